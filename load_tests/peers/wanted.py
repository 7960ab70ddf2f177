"""What a request to a peer asks for: OpenAI's keys, and a threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Wanted:
    """One image of width x height pixels. ``threshold`` is first-block caching's, None without a cache."""

    prompt: str
    width: int
    height: int
    steps: int
    guidance: float
    seed: int
    threshold: float | None

    @property
    def batch_key(self) -> tuple[object, ...]:
        """Those with the same key can go through one call of the pipeline."""
        return self.width, self.height, self.steps, self.guidance, self.threshold is None


def parse_wanted(body: Mapping[str, Any]) -> Wanted:
    """The request's tau1 times ``factor``, at which the peer skips as many blocks as our server does."""
    width, height = map(int, body["size"].split("x"))
    cached = body.get("cache") != "off"
    return Wanted(
        prompt=body["prompt"],
        width=width,
        height=height,
        steps=body["num_inference_steps"],
        guidance=body["guidance_scale"],
        seed=body["seed"],
        threshold=body.get("factor", 1.0) * body["tau1"] if cached else None,
    )
