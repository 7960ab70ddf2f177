"""The figures of docs/cluster.md on what a checkpoint holds, from shapes alone."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from h2cache import cache_bytes, method

ROOT = Path(__file__).parent.parent.parent
PAIR = {"tau1": 0.15, "tau2": 0.22}
NANO = json.loads((ROOT / "nano" / "flux-nano" / "transformer" / "config.json").read_text())


def shape_of(config: dict[str, Any], dtype: torch.dtype) -> Any:
    """What the formula reads of a model."""
    num_double = config["num_layers"]
    return SimpleNamespace(
        blocks=[None] * (num_double + config["num_single_layers"]),
        num_double=num_double,
        width=config["num_attention_heads"] * config["attention_head_dim"],
        channels=config["in_channels"],
        dtype=dtype,
    )


DEV = {"num_layers": 19, "num_single_layers": 38, "num_attention_heads": 24, "attention_head_dim": 128}
MODELS = {
    "flux-nano": (shape_of(NANO, torch.float32), 64, 16),
    "FLUX.1-dev": (shape_of({**DEV, "in_channels": 64}, torch.bfloat16), 4096, 512),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("name", "parameters"), [("default", PAIR), ("paper", PAIR), ("taylorseer", {"every": 3, "order": 2})]
)
def test_the_documented_sizes_are_those_of_the_formula(model: str, name: str, parameters: dict[str, Any]) -> None:
    shape, tokens, text = MODELS[model]
    latents = tokens * shape.channels * shape.dtype.itemsize
    state = cache_bytes(shape, method(name, parameters), tokens, text)
    row = f"| {model} | `{name}` | {_said(latents)} | {_said(state)} | {_said(latents + state)} |"
    assert row in (ROOT / "docs" / "cluster.md").read_text(), row


def _said(size: int) -> str:
    return f"{size / 2**20:.2f} MB" if size >= 2**20 else f"{size / 2**10:.0f} KB"
