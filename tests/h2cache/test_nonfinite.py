"""A residual that is not finite concerns its own sample only, and is never reused."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from h2cache import Conditioning, Outcome, Streams, denoise_step
from h2cache.distance import Measured, distances, read_all, see
from h2cache.flux1 import Flux1, flux1_model
from h2cache.gate import Moment
from h2cache.gates.below import Below
from h2cache.state import Reference
from tests.h2cache.models import tiny_model, tiny_transformer
from tests.h2cache.samples import H2, SHAPE, Request, advance, inputs_of, run_alone, start

MODEL = tiny_model(torch.float64)
SICK, WELL = Request(H2(0.3, 0.3), 9, seed=1), Request(H2(0.4, 0.2), 9, seed=2)


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


def spoiling(model: Flux1, place: int, spoil: list[bool]) -> Flux1:
    """The model with a block that gives an infinity in one row's text as long as ``spoil`` says so."""
    spoiled = model.blocks[place]

    def run(streams: Streams, conditioning: Conditioning) -> Streams:
        streams = spoiled(streams, conditioning)
        if spoil[0]:
            streams.txt[0, 0, 0] = float("inf")
        return streams

    return replace(model, blocks=[*model.blocks[:place], run, *model.blocks[place + 1 :]])


@pytest.mark.parametrize(("place", "told_at"), [(1, 0), (4, 1)], ids=["structure's last", "detail's last"])
@pytest.mark.parametrize("tau1", [0.0, 50.0])
def test_a_stage_s_residual_that_is_not_finite_is_never_reused(place: int, told_at: int, tau1: float) -> None:
    spoil = [True]
    model = spoiling(flux1_model(tiny_transformer()), place, spoil)
    sample = start(Request(H2(tau1, 50.0), 6, seed=1), SHAPE)
    inputs, cache, told = inputs_of([sample], SHAPE), sample.cache, []
    for _ in range(4):
        result = denoise_step(model, inputs, [cache])
        (cache,), spoil[0] = result.caches, False
        told.append(result.records[0])
    assert [record.nonfinite for record in told] == [False] * told_at + [True] * (4 - told_at)
    assert {(record.outcome, record.blocks_run) for record in told} == {(Outcome.FULL, 5)}
    assert result.velocity.isfinite().all()


def judged(old: list[Tensor | None], new: list[Tensor]) -> list[Measured]:
    """Distances of samples from what was seen before."""
    references = [None if each is None else Reference(each, each.abs().mean()) for each in old]
    return read_all([distances(see(torch.stack(new)), references, [[] for _ in new])])


def test_unmoved_first_blocks_are_neither_a_hit_nor_a_fault() -> None:
    zero, one = torch.zeros(3, 4), torch.ones(3, 4)
    still, moved, equal, first = judged([zero, zero, one, None], [zero, one, one, one])
    assert still == moved == first == Measured(None, finite=True)
    assert equal == Measured(0.0, finite=True)


def test_the_threshold_itself_is_no_hit() -> None:
    assert not Below(0.5).decide(Moment(3, 9, 0.5, (), 0, 0, 0.5, 0.1)).reuse
    assert Below(0.5, at=True).decide(Moment(3, 9, 0.5, (), 0, 0, 0.5, 0.1)).reuse
    assert Below(0.5000001).decide(Moment(3, 9, 0.5, (), 0, 0, 0.5, 0.1)).reuse
    assert not Below(1e300).decide(Moment(3, 9, None, (), 0, 0, 0.5, 0.1)).reuse
