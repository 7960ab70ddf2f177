"""What is known of a step before it is taken, and what a step costs that nobody computes in."""

from dataclasses import replace

import pytest

from h2cache import FluxModel, Outcome, denoise_step, flux_model, foresee
from tests.h2cache.host_reads import HostReads
from tests.h2cache.method_cases import EXAMPLES, Case
from tests.h2cache.models import tiny_model, tiny_transformer
from tests.h2cache.samples import Request, Running, Shape, inputs_of, start

SHAPE, STEPS = Shape(3, 4, 2), 9
MODEL = tiny_model()
FORESEEN = {"default", "taylorseer", "hicache", "procache", "ertacache-like"}
"""Those that put in the velocity, and look at nothing."""


def sigma(step: int) -> float:
    return 1 - step / STEPS


def take(batch: list[Running], model: FluxModel = MODEL) -> None:
    """A step of each sample, which are all at the same one."""
    now = batch[0].cache.step_index
    inputs = replace(inputs_of(batch, SHAPE), sigmas=tuple(sigma(now) for _ in batch))
    result = denoise_step(model, inputs, [sample.cache for sample in batch])
    for sample, velocity, cache, told in zip(batch, result.velocity, result.caches, result.records, strict=True):
        sample.latents, sample.cache = sample.latents - velocity / STEPS, cache
        sample.records.append(told)


def foreseen(batch: list[Running]) -> list[bool]:
    return foresee([sample.cache for sample in batch], [sigma(sample.cache.step_index) for sample in batch])


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case.name)
def test_what_is_foreseen_comes_to_pass_and_of_methods_that_look_nothing_is(case: Case) -> None:
    batch = [start(case.request(STEPS, seed), SHAPE) for seed in range(3)]
    told, came = [], []
    for _ in range(STEPS):
        told.append(foreseen(batch))
        take(batch)
        came.append([sample.records[-1].blocks_run == 0 for sample in batch])
    if case.name in FORESEEN:
        assert told == came
        assert any(any(row) for row in came), "or nothing is tested"
    else:
        assert not any(any(row) for row in told)


def test_a_batch_of_all_methods_is_foreseen_row_by_row_and_an_uncached_row_is_not() -> None:
    batch = [start(case.request(STEPS, seed), SHAPE) for seed, case in enumerate(EXAMPLES)]
    batch.append(start(Request(None, STEPS, 1), SHAPE))
    names = [*(case.name for case in EXAMPLES), "off"]
    for _ in range(STEPS):
        told = foreseen(batch)
        take(batch)
        came = [sample.records[-1].blocks_run == 0 for sample in batch]
        assert told == [is_so and name in FORESEEN for is_so, name in zip(came, names, strict=True)]


def test_a_rate_is_read_once_after_a_computed_step_and_then_known() -> None:
    case = next(case for case in EXAMPLES if case.name == "default")
    batch = [start(case.request(STEPS, seed), SHAPE) for seed in range(3)]
    for _ in range(STEPS):
        with HostReads() as reads:
            foreseen(batch)
        computed = any(sample.records and sample.records[-1].outcome is Outcome.FULL for sample in batch)
        assert sum(reads.seen.values()) == int(computed)
        take(batch)


def test_a_step_in_which_nobody_computes_does_not_touch_the_model() -> None:
    transformer, embedded = tiny_transformer(), []
    transformer.x_embedder.register_forward_pre_hook(lambda module, given: embedded.append(len(given[0])))
    case = next(case for case in EXAMPLES if case.name == "taylorseer")
    batch = [start(case.request(STEPS, seed), SHAPE) for seed in range(3)]
    for _ in range(STEPS):
        take(batch, flux_model(transformer))
    computed = batch[0].letters.count("f")
    assert embedded == [3] * computed
    assert 0 < computed < STEPS
