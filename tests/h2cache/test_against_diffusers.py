"""Where diffusers has the method, each step at batch 1 is diffusers'."""

from typing import Any

import pytest
import torch
from diffusers import FirstBlockCacheConfig, MagCacheConfig, TaylorSeerCacheConfig

from h2cache import denoise_step, flux_model, method
from tests.h2cache.samples import Request, Shape, inputs_of, plain_flux1, start, tiny_transformer

SHAPE, STEPS = Shape(4, 5, 3), 14
RATIOS = [1.0, 1.2, 1.1, 1.08, 1.06, 1.04, 1.03, 1.04, 1.02, 1.03, 1.0, 0.98, 0.95, 0.9]

PAIRS = {
    "first block": (
        FirstBlockCacheConfig(threshold=0.2),
        ("fbcache", {"threshold": 0.2, "at": True}),
    ),
    "magnitude": (
        MagCacheConfig(
            threshold=0.15, max_skip_steps=2, retention_ratio=0.2, num_inference_steps=STEPS, mag_ratios=RATIOS
        ),
        ("magcache", {"threshold": 0.15, "max_skips": 2, "warmup_share": 0.22, "ratios": tuple(RATIOS)}),
    ),
    "magnitude, ratios of another length": (
        MagCacheConfig(
            threshold=0.3, max_skip_steps=3, retention_ratio=0.2, num_inference_steps=STEPS, mag_ratios=RATIOS[:9]
        ),
        ("magcache", {"threshold": 0.3, "max_skips": 3, "warmup_share": 0.22, "ratios": tuple(RATIOS[:9])}),
    ),
    "taylor, order 1": (
        TaylorSeerCacheConfig(
            cache_interval=4, max_order=1, use_lite_mode=True, taylor_factors_dtype=torch.float32
        ),
        ("taylorseer", {"every": 4, "order": 1, "offset": 4}),
    ),
    "taylor, order 2": (
        TaylorSeerCacheConfig(
            cache_interval=3, max_order=2, use_lite_mode=True, taylor_factors_dtype=torch.float32
        ),
        ("taylorseer", {"every": 3, "order": 2, "offset": 4}),
    ),
}


@pytest.mark.parametrize(("config", "said"), PAIRS.values(), ids=PAIRS.keys())
@torch.no_grad()
def test_every_step_is_diffusers(config: Any, said: tuple[str, dict[str, Any]]) -> None:
    theirs, model = tiny_transformer(), flux_model(tiny_transformer())
    theirs.enable_cache(config)
    running, run = start(Request(method(*said), STEPS, seed=1), SHAPE), set()
    for _ in range(STEPS):
        given = inputs_of([running], SHAPE)
        with theirs.cache_context("cond"):
            wanted = plain_flux1(theirs, given)
        got = denoise_step(model, given, [running.cache])
        torch.testing.assert_close(got.velocity, wanted, rtol=1e-4, atol=1e-5)
        run.add(got.records[0].blocks_run)
        running.latents = running.latents - got.velocity[0] / STEPS
        (running.cache,) = got.caches
        running.records.append(got.records[0])
    assert len(run) == 2
