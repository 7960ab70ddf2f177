"""Settings, guards, statistics and saved states."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import h2cache
from h2cache import (
    PAPER,
    CacheSettings,
    H2CacheError,
    Outcome,
    SampleCache,
    SampleStatistics,
    StepRecord,
    denoise_step,
    flux_model,
    from_bytes,
    to_bytes,
)
from h2cache.summary import relative_l1, summarize, window
from tests.h2cache.samples import Request, Running, Shape, inputs_of, run_alone, start, tiny_transformer

SHAPE = Shape(4, 5, 3)
GREEDY = 50.0


TRANSFORMER = tiny_transformer()


def run(rule: CacheSettings, steps: int = 12) -> Running:
    return run_alone(TRANSFORMER, Request(rule, steps, seed=1), SHAPE, torch.float32)


def outcomes(rule: CacheSettings, steps: int = 12) -> str:
    """One letter a step: f(ull), d(etail hit), s(tructure hit)."""
    return "".join(record.outcome.value[0] for record in run(rule, steps).records)


def test_the_paper_preset_is_the_published_rule_and_nothing_more() -> None:
    assert CacheSettings(0.15, 0.22, warmup=0, last_full=False, max_consecutive=None) == PAPER


def test_without_guards_a_greedy_rule_computes_only_the_first_step() -> None:
    assert outcomes(CacheSettings(GREEDY, GREEDY)) == "f" + 11 * "s"
    assert outcomes(CacheSettings(0.0, GREEDY)) == "f" + 11 * "d"


def test_a_structure_hit_forces_a_detail_hit_though_tau2_is_zero() -> None:
    assert outcomes(CacheSettings(GREEDY, 0.0)) == "f" + 11 * "s"


def test_warm_up_and_last_step_are_full() -> None:
    assert outcomes(CacheSettings(GREEDY, GREEDY, warmup=3, last_full=True)) == "fff" + 8 * "s" + "f"
    assert outcomes(CacheSettings(GREEDY, GREEDY, warmup=20)) == 12 * "f"


@pytest.mark.parametrize(("cap", "want"), [(0, 12 * "f"), (1, 6 * "fs"), (2, 4 * "fss"), (3, 3 * "fsss")])
def test_at_the_cap_both_stages_compute(cap: int, want: str) -> None:
    assert outcomes(CacheSettings(GREEDY, GREEDY, max_consecutive=cap)) == want


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 4))
def test_no_stage_is_reused_more_often_in_a_row_than_the_cap(tau1: float, tau2: float, cap: int) -> None:
    steps = outcomes(CacheSettings(tau1, tau2, max_consecutive=cap), 10)
    detail = max(map(len, steps.replace("s", "d").split("f")))
    structure = max(map(len, steps.replace("d", "f").split("f")))
    assert max(detail, structure) <= cap


def test_distances_are_absent_where_nothing_was_tested() -> None:
    records = run(CacheSettings(0.3, 0.3)).records
    assert (records[0].d1, records[0].d2) == (None, None)
    for record in records[1:]:
        assert record.d1 is not None
        assert (record.d2 is None) == (record.outcome is Outcome.STRUCTURE_HIT)


def test_a_full_step_runs_all_blocks_a_hit_one_of_its_stage() -> None:
    blocks = {record.outcome: record.blocks_run for record in run(CacheSettings(0.3, 0.3)).records}
    assert blocks == {Outcome.FULL: 5, Outcome.DETAIL_HIT: 3, Outcome.STRUCTURE_HIT: 2}


def test_statistics_are_the_sums_of_the_records() -> None:
    running = run(CacheSettings(0.3, 0.3))
    statistics, records = running.cache.statistics, running.records
    assert statistics.steps == statistics.full + statistics.detail_hits + statistics.structure_hits == 12
    assert statistics.blocks_run == sum(record.blocks_run for record in records)
    assert statistics.flops_ratio == pytest.approx(statistics.blocks_run / (12 * 5))


def test_a_run_without_a_cache_is_full_and_keeps_nothing() -> None:
    running = run_alone(tiny_transformer(), Request(None, 4, seed=1), SHAPE, torch.float32)
    assert running.cache.statistics == SampleStatistics(full=4, blocks_run=20, flops=4.0)
    assert running.cache.statistics.flops_ratio == 1
    assert running.cache.nbytes == 0


def test_unmoved_first_blocks_are_no_reason_to_divide_by_zero() -> None:
    old, new = torch.zeros(2, 3, 4), torch.stack([torch.zeros(3, 4), torch.ones(3, 4)])
    distance = relative_l1(old, new)
    assert not (distance < 1e9).any()


@given(st.integers(1, 5000), st.integers(1, 64), st.sampled_from([2048, 384]))
def test_every_size_has_a_window_of_at_least_one(tokens: int, width: int, pool: int) -> None:
    along, across = window(tokens, width, pool)
    assert 1 <= across <= along <= max(1, tokens)
    assert across <= width


@pytest.mark.parametrize(
    ("tokens", "pool", "side"), [(4096, 2048, 2), (4608, 384, 12), (2304, 2048, 1), (64, 384, 1)]
)
def test_the_windows_of_the_paper(tokens: int, pool: int, side: int) -> None:
    assert window(tokens, 3072, pool) == (side, side)
    assert summarize(torch.ones(1, tokens, 24), pool).shape == (1, tokens // side, 24 // side)


def test_distances_are_float32_whatever_the_dtype() -> None:
    assert summarize(torch.ones(1, 8, 4, dtype=torch.bfloat16), 384).dtype is torch.float32
    assert summarize(torch.ones(1, 800, 4, dtype=torch.float64), 384).dtype is torch.float32


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"tau1": -0.1}, "tau1 is -0.1"),
        ({"tau2": float("nan")}, "tau2 is nan"),
        ({"tau1": float("inf")}, "tau1 is inf"),
        ({"warmup": -1}, "warmup is -1"),
        ({"max_consecutive": -2}, "max_consecutive is -2"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(wrong: dict[str, float], named: str) -> None:
    with pytest.raises(H2CacheError, match=named):
        CacheSettings(**({"tau1": 0.1, "tau2": 0.1} | wrong))  # type: ignore[arg-type]  # that is the test


def test_a_batch_needs_a_state_for_each_row() -> None:
    sample = start(Request(PAPER, 4, seed=1), SHAPE, torch.float32)
    with pytest.raises(H2CacheError, match="2 states for a batch of 1"):
        denoise_step(flux_model(tiny_transformer()), inputs_of([sample], SHAPE), [sample.cache] * 2)


@pytest.mark.parametrize("content", [b"", b"no such thing", to_bytes(SampleCache.start(PAPER, 4))[:20]])
def test_bytes_that_are_no_saved_sample_are_refused(content: bytes) -> None:
    with pytest.raises(H2CacheError, match="not a saved sample"):
        from_bytes(content)


def test_a_saved_sample_of_another_format_is_refused_by_name() -> None:
    content = to_bytes(SampleCache.start(PAPER, 4)).replace(b"h2cache-1", b"h2cache-9")
    with pytest.raises(H2CacheError, match="h2cache-9"):
        from_bytes(content)


def test_a_saved_sample_is_plain_safetensors_with_json() -> None:
    content = to_bytes(SampleCache.start(CacheSettings(0.1, 0.2, warmup=3), 4))
    length = int.from_bytes(content[:8], "little")
    sample = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["sample"])
    assert sample["settings"]["warmup"] == 3
    assert from_bytes(content) == SampleCache.start(CacheSettings(0.1, 0.2, warmup=3), 4)


def test_a_record_counts_once() -> None:
    sums = SampleStatistics()
    for outcome in Outcome:
        sums = sums.add(StepRecord(outcome, None, None, 2, 0.5))
    assert (sums.full, sums.detail_hits, sums.structure_hits, sums.blocks_run, sums.flops) == (1, 1, 1, 6, 1.5)


def test_all_public_names_are_there() -> None:
    assert all(hasattr(h2cache, name) for name in h2cache.__all__)
