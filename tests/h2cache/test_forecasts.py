"""Laws of the step control and of the polynomial fill."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from h2cache.errors import H2CacheError
from h2cache.fills.polynomial import Polynomial, lagrange
from h2cache.gate import Moment
from h2cache.gates.step_control import StepControl

MISSES, TAUS = st.floats(1e-4, 10), st.floats(0.001, 2)
GAPS = st.integers(1, 9)
STEPS = st.lists(st.integers(0, 30), min_size=1, max_size=4, unique=True).map(lambda steps: sorted(steps)[::-1])


def stretch(gate: StepControl, miss: float | None, gap: int, sigma: float = 0.6, moved: float = 0.1) -> float:
    return gate.stretch(Moment(11, 28, miss, (), 0, 10, gap, sigma, moved))


@given(TAUS, TAUS, MISSES, GAPS)
def test_a_larger_threshold_never_shortens_the_stretch(low: float, high: float, miss: float, gap: int) -> None:
    low, high = sorted((low, high))
    assert stretch(StepControl(low, low), miss, gap) <= stretch(StepControl(high, high), miss, gap)


@given(TAUS, MISSES, MISSES, GAPS)
def test_a_larger_miss_never_lengthens_the_stretch(tau: float, low: float, high: float, gap: int) -> None:
    low, high = sorted((low, high))
    assert stretch(StepControl(tau, tau), high, gap) <= stretch(StepControl(tau, tau), low, gap)


@given(TAUS, MISSES, GAPS, st.floats(1, 4))
def test_a_stretch_grows_at_most_by_the_factor(tau: float, miss: float, gap: int, growth: float) -> None:
    assert stretch(StepControl(tau, tau, growth=growth), miss, gap) <= growth * gap


@given(st.floats(1e-30, 1e6), st.floats(1e-38, 1e30), st.floats(0.1, 1e6), st.floats(1, 1e6))
def test_no_values_that_are_allowed_break_the_stretch(
    tau: float, miss: float, damping: float, growth: float
) -> None:
    assert 0 <= stretch(StepControl(tau, tau, damping, growth), miss, 3) <= 3 * growth * (1 + 1e-9)


@given(TAUS, GAPS)
def test_a_miss_at_the_tolerance_keeps_the_stretch(tau: float, gap: int) -> None:
    assert stretch(StepControl(tau, tau), tau, gap) == gap


@given(st.floats(0, 1), MISSES, GAPS)
def test_thresholds_of_0_never_reuse(sigma: float, miss: float, gap: int) -> None:
    assert not StepControl(0.0, 0.0).decide(Moment(11, 28, miss, (), 0, 10, gap, sigma, 0.1)).reuse


def test_tau1_rules_in_noise_and_tau2_at_the_image() -> None:
    gate = StepControl(0.2, 0.6)
    assert stretch(gate, 0.2, 3, sigma=1.0) == pytest.approx(3)
    assert stretch(gate, 0.4, 3, sigma=0.5) == pytest.approx(3)
    assert stretch(gate, 0.6, 3, sigma=0.0) == pytest.approx(3)


@given(st.floats(0.02, 0.5), st.floats(0.001, 0.1))
def test_the_first_stretch_s_errors_sum_up_to_the_tolerance(tau: float, moved: float) -> None:
    steps = stretch(StepControl(tau, 0.6), None, 0, sigma=1.0, moved=moved)
    assert steps**2 * moved / 2 == pytest.approx(tau)
    assert stretch(StepControl(tau, 0.6), None, 0, sigma=1.0, moved=0.0) == 0


@given(STEPS, st.integers(-5, 40))
def test_lagrange_s_weights_reproduce_polynomials_of_their_order(steps: list[int], at: int) -> None:
    for power in range(len(steps)):
        read = sum(weight * (step / 30) ** power for weight, step in zip(lagrange(steps, at), steps, strict=True))
        assert read == pytest.approx((at / 30) ** power, rel=1e-6, abs=1e-4)


@pytest.mark.parametrize("order", [-1, 5, 1.5])
def test_an_order_that_is_not_meant_is_refused(order: float) -> None:
    with pytest.raises(H2CacheError, match="allowed are whole numbers from 0 to 4"):
        Polynomial(order)  # type: ignore[arg-type]  # wrong on purpose
