"""What is told of each step, and the sums."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from h2cache import Outcome, SampleStatistics, StepRecord, flux_model
from tests.h2cache.models import tiny_transformer
from tests.h2cache.samples import H2, SHAPE, Request, Running, Shape, inputs_of, run_alone, start

TRANSFORMER = tiny_transformer()
MODEL = flux_model(TRANSFORMER)


def run(rule: H2 | None, steps: int = 12) -> Running:
    return run_alone(MODEL, Request(rule, steps, seed=1), SHAPE)


def test_distances_are_absent_where_nothing_was_tested() -> None:
    running = run(H2(0.3, 0.3))
    assert set(running.outcomes) == set(Outcome)
    assert (running.records[0].d1, running.records[0].d2) == (None, None)
    for record in running.records[1:]:
        assert record.d1 is not None
        assert (record.d2 is None) == (record.outcome is Outcome.STRUCTURE_HIT)


def test_distances_are_told_of_steps_that_a_guard_made_full() -> None:
    for record in run(H2(0.3, 0.3, warmup=12)).records[1:]:
        assert record.outcome is Outcome.FULL
        assert record.d1 is not None
        assert record.d2 is not None


def test_a_full_step_runs_all_blocks_and_a_hit_one_of_its_stage() -> None:
    blocks = {record.outcome: record.blocks_run for record in run(H2(0.3, 0.3)).records}
    assert blocks == {Outcome.FULL: 5, Outcome.DETAIL_HIT: 3, Outcome.STRUCTURE_HIT: 2}


def test_the_blocks_run_are_the_modules_that_were_called() -> None:
    transformer, called = tiny_transformer(), []
    for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks):
        block.register_forward_hook(lambda *_: called.append(1))
    running = run_alone(flux_model(transformer), Request(H2(0.3, 0.3), 12, seed=1), SHAPE)
    assert set(running.outcomes) == set(Outcome)
    assert len(called) == running.cache.statistics.blocks_run


@pytest.mark.parametrize("rule", [None, H2(0.3, 0.3), H2(0.2, 0.4, warmup=2)])
def test_statistics_are_the_sums_of_the_records(rule: H2 | None) -> None:
    running = run(rule)
    statistics, records = running.cache.statistics, running.records
    assert statistics.steps == statistics.full + statistics.detail_hits + statistics.structure_hits == 12
    assert statistics.full == running.letters.count("f")
    assert statistics.detail_hits == running.letters.count("d")
    assert statistics.structure_hits == running.letters.count("s")
    assert statistics.blocks_run == sum(record.blocks_run for record in records)
    assert statistics.flops == pytest.approx(sum(record.flops_share for record in records))
    assert statistics.flops_ratio == pytest.approx(statistics.blocks_run / (12 * 5))


def test_a_run_without_a_cache_is_full_and_keeps_nothing() -> None:
    running = run(None, steps=4)
    assert running.cache.statistics == SampleStatistics(full=4, blocks_run=20, flops=4.0, flux1=4.0)
    assert running.cache.statistics.flops_ratio == 1
    assert running.cache.nbytes == 0


def test_before_the_first_step_the_flops_ratio_is_one() -> None:
    assert SampleStatistics().flops_ratio == 1


@given(st.lists(st.sampled_from(Outcome)))
def test_every_record_counts_once(outcomes: list[Outcome]) -> None:
    sums = SampleStatistics()
    for outcome in outcomes:
        sums = sums.add(StepRecord(outcome, None, None, 2, 0.5, 0.25))
    assert sums.steps == len(outcomes)
    assert (sums.full, sums.blocks_run) == (outcomes.count(Outcome.FULL), 2 * len(outcomes))
    assert sums.flops == len(outcomes) / 2
    assert sums.flux1 == len(outcomes) / 4


@torch.no_grad()
def test_a_double_and_a_single_block_cost_the_same_flops_but_for_the_modulation() -> None:
    shape = Shape(16, 16, 64)
    streams, conditioning = MODEL.embed(inputs_of([start(Request(None, 1, seed=1), shape)], shape))
    costs = []
    for block in (MODEL.blocks[0], MODEL.blocks[-1]):
        with FlopCounterMode(display=False) as counter:
            block(streams, conditioning)
        costs.append(counter.get_total_flops())
    assert costs[0] == pytest.approx(costs[1], rel=0.01)
    assert len(set(MODEL.costs)) == 1
