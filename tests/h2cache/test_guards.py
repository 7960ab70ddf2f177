"""Warm-up, last step and cap; and what thresholds alone do."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from h2cache import H2CacheError, Method, SampleCache, StageCache, denoise_step
from h2cache.fills.last import Last
from h2cache.gates.below import Below
from h2cache.gates.mask import Mask
from h2cache.guards import Guards
from h2cache.layout import OneStage
from h2cache.method import Measure, Stage
from h2cache.rule import Ask, Verdict, ask
from h2cache.signal import ProbeResidual
from h2cache.state import Anchor
from h2cache.stats import SampleStatistics
from h2cache.summaries.whole import Whole
from tests.h2cache.models import tiny_model
from tests.h2cache.samples import H2, SHAPE, Request, Running, advance, inputs_of, run_alone, start

GREEDY = 50.0
MODEL = tiny_model()


def letters(rule: H2, steps: int = 12, seed: int = 1) -> str:
    return run_alone(MODEL, Request(rule, steps, seed), SHAPE).letters


def test_without_guards_a_greedy_rule_computes_only_the_first_step() -> None:
    assert letters(H2(GREEDY, GREEDY)) == "f" + 11 * "s"
    assert letters(H2(0.0, GREEDY)) == "f" + 11 * "d"


def test_a_structure_hit_forces_a_detail_hit_though_tau2_is_zero() -> None:
    assert letters(H2(GREEDY, 0.0)) == "f" + 11 * "s"


def test_thresholds_of_zero_never_hit() -> None:
    assert letters(H2(0.0, 0.0)) == 12 * "f"


def test_warm_up_and_last_step_are_full() -> None:
    assert letters(H2(GREEDY, GREEDY, warmup=3, last_full=True)) == "fff" + 8 * "s" + "f"
    assert letters(H2(0.0, GREEDY, warmup=2, last_full=True)) == "ff" + 9 * "d" + "f"
    assert letters(H2(GREEDY, GREEDY, warmup=20)) == 12 * "f"


@pytest.mark.parametrize(("cap", "want"), [(0, 12 * "f"), (1, 6 * "fs"), (2, 4 * "fss"), (3, 3 * "fsss")])
def test_at_the_cap_both_stages_compute(cap: int, want: str) -> None:
    assert letters(H2(GREEDY, GREEDY, max_consecutive=cap)) == want
    assert letters(H2(0.0, GREEDY, max_consecutive=cap)) == want.replace("s", "d")


def in_the_middle(structure: int, detail: int, step: int = 5) -> SampleCache:
    """A sample at a step of 10, its stages reused so often in a row."""
    rule = H2(0.1, 0.2, warmup=2, last_full=True, max_consecutive=3)
    return SampleCache(rule.method, 10, step, tuple(computed(count) for count in (structure, detail)))


def computed(consecutive: int) -> StageCache:
    """A stage that has something to reuse, and was reused so often in a row."""
    nothing = torch.zeros(1)
    return StageCache((Anchor(0, nothing, None, nothing[0], None),), consecutive=consecutive)


MISS, HIT = Verdict(reused=False), Verdict(reused=True)


def test_below_the_caps_the_gates_decide() -> None:
    assert ask(in_the_middle(2, 2), 0, []) is Ask.TEST
    assert ask(in_the_middle(2, 2), 1, [MISS]) is Ask.TEST
    assert ask(in_the_middle(2, 2), 1, [HIT]) is Ask.FORCED


def test_where_detail_is_at_its_cap_structure_is_not_reused_either() -> None:
    assert ask(in_the_middle(0, 3), 0, []) is Ask.COMPUTE
    assert ask(in_the_middle(0, 3), 1, [MISS]) is Ask.COMPUTE


def test_where_structure_alone_is_at_its_cap_tau2_decides() -> None:
    assert ask(in_the_middle(3, 2), 0, []) is Ask.COMPUTE
    assert ask(in_the_middle(3, 2), 1, [MISS]) is Ask.TEST


@pytest.mark.parametrize("step", [0, 1, 9])
def test_guarded_steps_compute_both_stages(step: int) -> None:
    assert ask(in_the_middle(0, 0, step), 0, []) is Ask.COMPUTE
    assert ask(in_the_middle(0, 0, step), 1, [MISS]) is Ask.COMPUTE


def test_a_stage_that_has_nothing_to_reuse_computes() -> None:
    fresh = SampleCache.start(H2(0.1, 0.2).method, 10)
    assert ask(fresh, 0, []) is Ask.COMPUTE


def test_off_and_non_finite_samples_compute_and_store_nothing() -> None:
    sick = replace(in_the_middle(0, 0), statistics=SampleStatistics(nonfinite=True))
    assert ask(sick, 0, []) is Ask.OFF
    assert ask(sick, 1, [MISS]) is Ask.OFF
    assert ask(in_the_middle(0, 0), 1, [Verdict(reused=False, finite=False)]) is Ask.OFF


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 4), st.integers(0, 9))
def test_no_stage_is_reused_more_often_in_a_row_than_the_cap(
    tau1: float, tau2: float, cap: int, seed: int
) -> None:
    steps = letters(H2(tau1, tau2, max_consecutive=cap), 10, seed)
    detail = max(map(len, steps.replace("s", "d").split("f")))
    structure = max(map(len, steps.replace("d", "f").split("f")))
    assert max(detail, structure) <= cap


def within(guards: Guards, gate: Below | Mask, seed: int = 1, steps: int = 12) -> Running:
    """First-block caching under guards."""
    measure = Measure(ProbeResidual(), Whole()) if gate.measures else None
    made = Method("guarded", OneStage(), (Stage(gate, Last(), measure),), guards)
    return run_alone(MODEL, Request(made, steps, seed), SHAPE)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1), st.floats(0, 0.6), st.integers(0, 9))
def test_no_more_than_the_budget_of_steps_is_reused(share: float, threshold: float, seed: int) -> None:
    steps = within(Guards(max_reuse_share=share), Below(threshold), seed).letters
    assert steps.count("s") <= share * 12 + 1e-6
    if share * 12 >= 11:
        assert steps == within(Guards(), Below(threshold), seed).letters


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 0.75), st.floats(0, 0.6), st.booleans(), st.integers(0, 9))
def test_at_least_the_budget_of_steps_is_reused(
    share: float, threshold: float, last_full: bool, seed: int
) -> None:
    steps = within(Guards(1, 0.0, last_full, min_reuse_share=share), Below(threshold), seed).letters
    assert steps.count("s") >= share * 12 - 1e-6
    assert steps[0] == "f"
    assert not last_full or steps[-1] == "f"


def test_a_gate_is_overruled_no_earlier_than_it_has_to_be() -> None:
    assert within(Guards(min_reuse_share=0.25), Below(0.0)).letters == 9 * "f" + 3 * "s"
    assert within(Guards(last_full=True, min_reuse_share=0.25), Below(0.0)).letters == 8 * "f" + "sssf"
    assert within(Guards(max_reuse_share=0.25), Mask("0" + 11 * "1")).letters == "fsss" + 8 * "f"
    assert within(Guards(min_reuse_share=0.5, max_consecutive=1), Below(0.0)).letters == 6 * "f" + 3 * "sf"


def test_of_two_stages_only_detail_is_reused_for_the_budget() -> None:
    rule = replace(H2(0.0, 0.0).method, guards=Guards(min_reuse_share=0.25))
    assert run_alone(MODEL, Request(rule, 12, 1), SHAPE).letters == 9 * "f" + 3 * "d"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"max_reuse_share": 1.2}, "max_reuse_share is 1.2, allowed is a share up to 1"),
        ({"max_reuse_share": 0.2, "min_reuse_share": 0.3}, "max_reuse_share is 0.2, allowed is .* from 0.3 up"),
        ({"min_reuse_share": -0.1}, "min_reuse_share is -0.1"),
    ],
)
def test_a_wrong_budget_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(H2CacheError, match=said):
        Guards(**wrong)  # type: ignore[arg-type]  # only shares are given


TAUS = st.floats(0.0, 1.0)


@settings(max_examples=40, deadline=None)
@given(st.tuples(TAUS, TAUS), st.tuples(TAUS, TAUS), st.tuples(TAUS, TAUS), st.integers(0, 5), st.integers(0, 20))
def test_a_larger_threshold_never_skips_less_at_the_same_state(
    before: tuple[float, float], one: tuple[float, float], other: tuple[float, float], steps: int, seed: int
) -> None:
    sample = start(Request(H2(*before), 10, seed), SHAPE)
    for _ in range(steps):
        advance(MODEL, [sample], SHAPE)
    smaller = H2(min(one[0], other[0]), min(one[1], other[1]))
    larger = H2(max(one[0], other[0]), max(one[1], other[1]))
    run = [
        denoise_step(MODEL, inputs_of([sample], SHAPE), [replace(sample.cache, method=rule.method)])
        .records[0]
        .blocks_run
        for rule in (smaller, larger)
    ]
    assert run[1] <= run[0]
