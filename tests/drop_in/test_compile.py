"""The wrapper's blocks under torch.compile, within a pipeline."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from diffusers import FluxTransformer2DModel
from torch._dynamo.utils import counters

from h2cache import H2Cache
from tests.drop_in.pipes import MIXED, NOTHING, Parts, latents
from tests.tiny_flux import TEXT_LENGTH


@pytest.fixture(autouse=True)
def forget_graphs() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def test_settings_of_a_pipelines_calls_compile_nothing(parts: Parts, transformer: FluxTransformer2DModel) -> None:
    """The backend is the quick one; ``tests/h2cache/test_compiled.py`` has inductor."""
    pipeline = parts.text_to_image(H2Cache(transformer).compile_blocks(backend="eager"))
    for prompts in (["a"], ["a", "b", "c"]):
        latents(pipeline, NOTHING, prompt=prompts, num_inference_steps=1)
    assert counters["stats"]["unique_graphs"] == 4
    with torch._dynamo.config.patch(error_on_recompile=True):
        one = latents(pipeline, MIXED)
        latents(pipeline, [MIXED, {"tau1": 0.5, "tau2": 0.5}, None], prompt=["a", "b", "c"])
        latents(pipeline, {"method": "fbcache", "threshold": 0.4}, prompt=["a", "b"])
    assert counters["stats"]["unique_graphs"] == 4
    latents(pipeline, NOTHING, num_inference_steps=1, height=96)
    assert counters["stats"]["unique_graphs"] > 4  # so the counter counts
    plain = latents(parts.text_to_image(H2Cache(transformer)), MIXED)
    torch.testing.assert_close(one, plain, rtol=1e-4, atol=1e-4)


def test_attention_kwargs_do_not_compile_at_each_step(parts: Parts, transformer: FluxTransformer2DModel) -> None:
    pipeline = parts.text_to_image(H2Cache(transformer).compile_blocks(backend="eager"))
    mask = torch.ones(2, 1, 1, TEXT_LENGTH + 16, dtype=torch.bool)
    batch: dict[str, Any] = {"prompt": ["a", "b"], "attention": {"attention_mask": mask}}
    latents(pipeline, NOTHING, num_inference_steps=1, **batch)
    with torch._dynamo.config.patch(error_on_recompile=True):
        latents(pipeline, NOTHING, **batch)
