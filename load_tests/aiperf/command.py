"""aiperf's command line for a mix."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from load_tests.mix import Mix

PROMPTS = "prompts.jsonl"


@dataclass(frozen=True)
class Judged:
    """Who is judged, and how hard. ``tokenizer`` is a folder: aiperf would fetch any other from a hub."""

    url: str
    model: str
    tokenizer: str
    rate: float
    requests: int
    slo_s: float


def write_prompts(mix: Mix, folder: Path) -> Path:
    """One JSON object a line."""
    path = folder / PROMPTS
    path.write_text("".join(json.dumps({"text": prompt}) + "\n" for prompt in mix.prompts), encoding="utf-8")
    return path


def command_for(aiperf: str, judged: Judged, mix: Mix, prompts: Path, folder: Path) -> Sequence[str]:
    """The mix's first size, step count and pair: aiperf's requests all have the same extra keys."""
    extra = {
        **({"size": mix.sizes[0].size} if mix.sizes else {}),
        **({"num_inference_steps": mix.steps[0]} if mix.steps else {}),
        **{key: value for key, value in mix.body.items() if key != "model"},
        **mix.pairs[0].body,
    }
    target = ["--url", judged.url, "--model", judged.model, "--endpoint-type", "image_generation"]
    asked = [
        "--input-file",
        str(prompts),
        "--custom-dataset-type",
        "single_turn",
        "--extra-inputs",
        json.dumps(extra),
    ]
    pace = ["--request-rate", f"{judged.rate:g}", "--request-count", str(judged.requests), "--random-seed", "0"]
    goal = ["--goodput", f"request_latency:{1000 * judged.slo_s:g}", "--tokenizer", judged.tokenizer]
    return [aiperf, "profile", *target, *asked, *pace, *goal, "--ui-type", "none", "--artifact-dir", str(folder)]
