"""Where diffusers has the method, each step at batch 1 is diffusers'."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import FirstBlockCacheConfig, MagCacheConfig, SeaCacheConfig, TaylorSeerCacheConfig
from torch import Tensor

from h2cache import Method, denoise_step, flux_model, method
from h2cache.fills.taylor import Taylor
from tests.h2cache.models import plain_flux1, tiny_transformer
from tests.h2cache.samples import SHAPE, Request, inputs_of, start

STEPS = 14
RATIOS = [1.0, 1.2, 1.1, 1.08, 1.06, 1.04, 1.03, 1.04, 1.02, 1.03, 1.0, 0.98, 0.95, 0.9]

PAIRS: dict[str, tuple[Any, tuple[str, dict[str, Any]]]] = {
    "first block": (
        FirstBlockCacheConfig(threshold=0.2),
        ("fbcache", {"threshold": 0.2, "at": True}),
    ),
    "magnitude": (
        MagCacheConfig(
            threshold=0.15, max_skip_steps=2, retention_ratio=0.2, num_inference_steps=STEPS, mag_ratios=RATIOS
        ),
        ("magcache", {"threshold": 0.15, "max_skips": 2, "warmup_share": 0.2, "ratios": tuple(RATIOS)}),
    ),
    "magnitude, ratios of another length": (
        MagCacheConfig(
            threshold=0.3, max_skip_steps=3, retention_ratio=0.2, num_inference_steps=STEPS, mag_ratios=RATIOS[:9]
        ),
        ("magcache", {"threshold": 0.3, "max_skips": 3, "warmup_share": 0.2, "ratios": tuple(RATIOS[:9])}),
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


def modulated_input(module: Any, args: Any, given: dict[str, Any]) -> list[Tensor]:
    """What SeaCache's paper filters, as diffusers' wants it: (C, frames, H, W) of each sample."""
    temb = module.time_text_embed(given["timestep"] * 1000, given["guidance"] * 1000, given["pooled_projections"])
    modulated = module.transformer_blocks[0].norm1(module.x_embedder(given["hidden_states"]), emb=temb)[0]
    return [row.T.reshape(-1, 1, SHAPE.rows, SHAPE.columns) for row in modulated]


def sea_config(threshold: float, order: int) -> SeaCacheConfig:
    return SeaCacheConfig(
        threshold=threshold,
        residual_order=order,
        max_consecutive_cached=3,
        power_exp=2.0,
        raw_vision_callback=modulated_input,
    )


def seacache(threshold: float, order: int) -> Method:
    """diffusers' also expands the residual, which the paper does not."""
    made = method("seacache", {"threshold": threshold, "max_consecutive": 3})
    if order == 0:
        return made
    return replace(made, stages=(replace(made.stages[0], fill=Taylor(1)),))


CASES = [(config, method(*said)) for config, said in PAIRS.values()] + [
    (sea_config(threshold, order), seacache(threshold, order)) for threshold in (0.5, 1.5) for order in (0, 1)
]
NAMES = [*PAIRS, *(f"sea, {threshold}, order {order}" for threshold in (0.5, 1.5) for order in (0, 1))]


@pytest.mark.parametrize(("config", "ours"), CASES, ids=NAMES)
@torch.no_grad()
def test_every_step_is_diffusers(config: Any, ours: Method) -> None:
    theirs, model = tiny_transformer(), flux_model(tiny_transformer())
    theirs.enable_cache(config)
    running, run = start(Request(ours, STEPS, seed=1), SHAPE), set()
    for step in range(STEPS):
        given = inputs_of([running], SHAPE)
        told = {"step_index": step, "sigma": float(given.timestep), "num_inference_steps": STEPS}
        with theirs.cache_context("cond", **told):
            wanted = plain_flux1(theirs, given)
        got = denoise_step(model, given, [running.cache])
        torch.testing.assert_close(got.velocity, wanted, rtol=1e-4, atol=1e-5)
        run.add(got.records[0].blocks_run)
        running.latents = running.latents - got.velocity[0] / STEPS
        (running.cache,) = got.caches
        running.records.append(got.records[0])
    assert len(run) == 2
