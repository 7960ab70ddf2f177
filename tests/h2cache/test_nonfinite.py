"""A residual that is not finite concerns its own sample only, and is never reused."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from h2cache import CacheSettings, Conditioning, Outcome, Stage, Streams, denoise_step, flux_model
from h2cache.distance import judge_rows
from h2cache.gate import StageRule
from h2cache.state import StepMemory
from tests.h2cache.samples import (
    Request,
    Shape,
    advance,
    inputs_of,
    run_alone,
    shared_model,
    start,
    tiny_transformer,
)

SHAPE = Shape(4, 5, 3)
_, MODEL = shared_model()
SICK, WELL = Request(CacheSettings(0.3, 0.3), 9, seed=1), Request(CacheSettings(0.4, 0.2), 9, seed=2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("first", [0, 3])
def test_a_sample_that_goes_non_finite_computes_everything_and_its_neighbours_do_not_notice(
    value: float, first: int
) -> None:
    sick, well = start(SICK, SHAPE, torch.float64), start(WELL, SHAPE, torch.float64)
    for step in range(9):
        if step == first:
            sick.latents[0, 0] = value
        advance(MODEL, [sick, well], SHAPE)
    alone = run_alone(MODEL, WELL, SHAPE, torch.float64)
    assert (well.latents - alone.latents).abs().max() <= 1e-9
    assert well.outcomes == alone.outcomes
    assert not well.cache.nonfinite
    assert [record.nonfinite for record in sick.records] == [False] * first + [True] * (9 - first)
    assert set(sick.outcomes[first:]) == {Outcome.FULL}
    assert sick.cache.nonfinite
    assert sick.cache.statistics.nonfinite
    assert sick.cache.nbytes == 0


def spoiling(stage: Stage, spoil: list[bool]) -> Stage:
    """The stage with a last block that gives an infinity in one row's text as long as ``spoil`` says so."""

    def run(streams: Streams, conditioning: Conditioning) -> Streams:
        streams = stage.blocks[-1](streams, conditioning)
        if spoil[0]:
            streams.txt[0, 0, 0] = float("inf")
        return streams

    return replace(stage, blocks=[*stage.blocks[:-1], run])


@pytest.mark.parametrize(("stage", "told_at"), [("structure", 0), ("detail", 1)])
@pytest.mark.parametrize("tau1", [0.0, 50.0])
def test_a_stage_s_residual_that_is_not_finite_is_never_reused(stage: str, told_at: int, tau1: float) -> None:
    spoil = [True]
    clean = flux_model(tiny_transformer())
    model = replace(clean, **{stage: spoiling(getattr(clean, stage), spoil)})
    sample = start(Request(CacheSettings(tau1, 50.0), 6, seed=1), SHAPE)
    inputs, cache, told = inputs_of([sample], SHAPE), sample.cache, []
    for _ in range(4):
        result = denoise_step(model, inputs, [cache])
        (cache,), spoil[0] = result.caches, False
        told.append(result.records[0])
    assert [record.nonfinite for record in told] == [False] * told_at + [True] * (4 - told_at)
    assert {(record.outcome, record.blocks_run) for record in told} == {(Outcome.FULL, 5)}
    assert result.velocity.isfinite().all()


def memory(summary: Tensor) -> StepMemory:
    return StepMemory(summary, summary.abs().mean(), torch.zeros(1), torch.zeros(1))


def test_unmoved_first_blocks_are_neither_a_hit_nor_a_fault() -> None:
    zero, one = torch.zeros(3, 4), torch.ones(3, 4)
    rules = [StageRule(1e30)] * 3
    still, moved, equal = judge_rows(
        [memory(zero), memory(zero), memory(one)], torch.stack([zero, one, one]), rules, [None] * 3
    )
    assert [(v.hit, v.distance, v.finite) for v in (still, moved)] == [(False, None, True)] * 2
    assert (equal.hit, equal.distance, equal.finite) == (True, 0.0, True)


def test_the_threshold_itself_is_no_hit() -> None:
    rules = [StageRule(0.5), StageRule(0.5000001)]
    at, above = judge_rows([memory(torch.ones(2, 2))] * 2, torch.full((2, 2, 2), 1.5), rules, [None] * 2)
    assert (at.distance, at.hit, above.hit) == (0.5, False, True)
