"""What a transformer goes through before a call: each gives the call's latents, and what a fresh one's are."""

from typing import Any

import torch
from torch import Tensor

from docs.drop_in_compare.bench import Bench
from docs.drop_in_compare.disturbed import abort, interleaved
from docs.drop_in_compare.libraries import HIGH, LOW, LOW_GUIDED
from tests.drop_in.pipes import STEPS, picture

NEARLY: dict[str, Any] = {"negative_prompt": "blue", "true_cfg_scale": 1 + 1e-9}
"""True guidance at a scale at which the image is the conditional branch's alone."""
FROM_IMAGE: dict[str, Any] = {"image": picture(), "strength": 0.8}


def two_threads(bench: Bench) -> tuple[Tensor, Tensor]:
    return interleaved(bench, (LOW, LOW))


def two_thresholds(bench: Bench) -> tuple[Tensor, Tensor]:
    return interleaved(bench, (LOW, HIGH))


def call_after_an_aborted_one(bench: Bench) -> tuple[Tensor, Tensor]:
    wanted, transformer = bench.alone(seed=3), bench.fresh()
    pipeline = bench.pipeline(transformer)
    abort(bench, pipeline)
    return bench.call(pipeline, seed=3), wanted


def image_to_image_after_an_aborted_call(bench: Bench) -> tuple[Tensor, Tensor]:
    wanted, transformer = bench.alone(kind="image_to_image", **FROM_IMAGE), bench.fresh()
    abort(bench, bench.pipeline(transformer))
    return bench.call(bench.pipeline(transformer, kind="image_to_image"), **FROM_IMAGE), wanted


def the_same_call_again(bench: Bench) -> tuple[Tensor, Tensor]:
    wanted, pipeline = bench.alone(), bench.pipeline(bench.fresh())
    bench.call(pipeline)
    return bench.call(pipeline), wanted


def true_guidance(bench: Bench) -> tuple[Tensor, Tensor]:
    return bench.alone(LOW_GUIDED, **NEARLY), bench.alone()


def true_guidance_in_image_to_image(bench: Bench) -> tuple[Tensor, Tensor]:
    kind = "image_to_image"
    return bench.alone(LOW_GUIDED, kind, **NEARLY, **FROM_IMAGE), bench.alone(LOW, kind, **FROM_IMAGE)


def another_size_and_step_count(bench: Bench) -> tuple[Tensor, Tensor]:
    other: dict[str, Any] = {"height": 96, "num_inference_steps": STEPS - 3}
    wanted, pipeline = bench.alone(**other), bench.pipeline(bench.fresh())
    bench.call(pipeline)
    return bench.call(pipeline, **other), wanted


def changed_threshold(bench: Bench) -> tuple[Tensor, Tensor]:
    wanted, pipeline = bench.alone(HIGH), bench.pipeline(bench.fresh(LOW), LOW)
    bench.call(pipeline, LOW)
    bench.library.change(pipeline, HIGH)
    return bench.call(pipeline, HIGH), wanted


def rows_of_a_batch(bench: Bench) -> tuple[Tensor, Tensor]:
    prompts = ["a red heart", "two squares"]
    wanted = [bench.alone(prompt=prompt, seed=seed) for seed, prompt in enumerate(prompts)]
    generators = [torch.Generator().manual_seed(seed) for seed in range(2)]
    batch = bench.call(bench.pipeline(bench.fresh()), prompt=prompts, generator=generators)
    return batch, torch.cat(wanted)


SCENARIOS = (
    two_threads,
    two_thresholds,
    call_after_an_aborted_one,
    image_to_image_after_an_aborted_call,
    the_same_call_again,
    true_guidance,
    true_guidance_in_image_to_image,
    another_size_and_step_count,
    changed_threshold,
    rows_of_a_batch,
)
