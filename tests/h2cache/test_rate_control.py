"""Laws of the default method's gate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from h2cache import Method, flux_model, method
from h2cache.errors import H2CacheError
from h2cache.gate import Moment
from h2cache.gates.rate_control import RateControl
from tests.h2cache.samples import Request, Shape, run_alone, tiny_transformer

TAUS, MISSES, MOVES = st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1e-4, 0.2)
GAPS = st.integers(1, 9)
MODEL = flux_model(tiny_transformer())


def stretch(gate: RateControl, miss: float | None, gap: int, sigma: float = 0.6, moved: float = 0.04) -> float:
    return gate.stretch(Moment(11, 28, miss, (), 0, 10, gap, sigma, moved))


@given(TAUS, TAUS, MISSES, GAPS, MOVES)
def test_a_larger_threshold_never_shortens_the_stretch(
    one: float, other: float, miss: float, gap: int, moved: float
) -> None:
    low, high = sorted((one, other))
    short = stretch(RateControl(low, low), miss, gap, moved=moved)
    assert short <= stretch(RateControl(high, high), miss, gap, moved=moved)


@given(TAUS, MISSES, MISSES, GAPS)
def test_a_larger_miss_never_lengthens_the_stretch(tau: float, one: float, other: float, gap: int) -> None:
    gate = RateControl(tau, tau)
    assert stretch(gate, max(one, other), gap) <= stretch(gate, min(one, other), gap)


@given(st.floats(0, 1), MISSES, GAPS)
def test_thresholds_of_0_never_reuse(sigma: float, miss: float, gap: int) -> None:
    assert not RateControl(0.0, 0.0).decide(Moment(11, 28, miss, (), 0, 10, gap, sigma, 0.04)).reuse


def test_the_stretch_s_errors_sum_up_to_half_the_tolerance() -> None:
    """A velocity that changes by 0.01 over 2 steps of 0.04 has a rate of 0.125."""
    far = 0.04 * stretch(RateControl(0.02, 0.02), 0.01, 2)
    assert 0.125 * far**2 / 2 == pytest.approx(0.01)


def test_the_stretch_does_not_depend_on_how_long_the_last_was_but_on_the_rate() -> None:
    gate = RateControl(0.02, 0.02)
    assert stretch(gate, 0.01, 1) == pytest.approx(stretch(gate, 0.05, 5))


def test_tau1_rules_in_noise_and_tau2_at_the_image() -> None:
    gate = RateControl(0.01, 0.09)
    assert stretch(gate, 0.01, 1, sigma=0.0) == pytest.approx(3 * stretch(gate, 0.01, 1, sigma=1.0))


def test_what_has_not_moved_at_all_is_held_for_the_whole_way_and_no_longer() -> None:
    assert stretch(RateControl(0.01, 0.01), 0.0, 1) == pytest.approx(1 / 0.04)
    assert stretch(RateControl(1e6, 1e6), 1e-9, 1) == pytest.approx(1 / 0.04)


def test_before_there_is_a_miss_everything_is_computed() -> None:
    assert stretch(RateControl(0.5, 0.5), None, 0) == 0
    letters = run_alone(MODEL, Request(method("default", {"tau1": 50.0, "tau2": 50.0}), 12, 1), Shape(3, 4, 2))
    assert letters.letters == "ff" + 10 * "s"


@pytest.mark.parametrize(("tau1", "order"), [(0.009, 1), (0.01, 0), (0.5, 0)])
def test_without_an_order_only_a_small_threshold_follows_a_line(tau1: float, order: int) -> None:
    made: Method = method("default", {"tau1": tau1})
    assert made.stages[0].fill.num_anchors == order + 1


def test_a_wrong_threshold_is_refused() -> None:
    with pytest.raises(H2CacheError, match="tau2 is -1"):
        RateControl(0.1, -1)
