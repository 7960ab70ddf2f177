"""Laws of the default method's gate, and of the calmed velocity that it starts from."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from h2cache import Method, method
from h2cache.errors import H2CacheError
from h2cache.fills.calmed import calmed
from h2cache.gate import Moment
from h2cache.gates.rate_control import DETAIL, RateControl, usual_rate
from tests.h2cache.models import tiny_model
from tests.h2cache.samples import Request, Shape, advance, run_alone, start

TAUS, RATES, SIGMAS = st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1)
MODEL = tiny_model()
SHAPE = Shape(3, 4, 2)
STEPS = 12


def stretch(gate: RateControl, rate: float | None, sigma: float = 0.6, gap: int = 2) -> float:
    return gate.stretch(Moment(11, 28, rate, (), 0, gap, sigma, 0.04))


@given(TAUS, TAUS, TAUS, TAUS, RATES | st.none(), SIGMAS, st.integers(0, 9))
def test_a_larger_threshold_never_shortens_the_stretch(
    one: float, other: float, third: float, fourth: float, rate: float | None, sigma: float, gap: int
) -> None:
    small = RateControl(min(one, other), min(third, fourth))
    large = RateControl(max(one, other), max(third, fourth))
    assert stretch(small, rate, sigma, gap) <= stretch(large, rate, sigma, gap)


@given(TAUS, RATES, RATES, SIGMAS)
def test_a_faster_sample_never_has_a_longer_stretch(tau: float, one: float, other: float, sigma: float) -> None:
    gate = RateControl(tau, tau)
    assert stretch(gate, max(one, other), sigma) <= stretch(gate, min(one, other), sigma)


@given(SIGMAS, RATES | st.none(), st.integers(0, 9))
def test_thresholds_of_0_never_reuse(sigma: float, rate: float | None, gap: int) -> None:
    assert not RateControl(0.0, 0.0).decide(Moment(11, 28, rate, (), 0, gap, sigma, 0.04)).reuse


@given(st.floats(0.01, 0.3), SIGMAS)
def test_the_stretch_s_errors_sum_up_to_half_the_tolerance_where_the_rate_is_the_usual_one(
    tau: float, sigma: float
) -> None:
    gate, rate = RateControl(tau, tau / DETAIL), usual_rate(sigma)
    far = stretch(gate, rate, sigma)
    assert far < 1
    assert rate * far**2 / 2 == pytest.approx(2.5 * tau**2 / 2)


def test_a_sample_s_own_rate_counts_as_much_as_the_usual_one() -> None:
    gate = RateControl(0.02, 0.02)
    assert stretch(gate, 16.0) == pytest.approx(stretch(gate, 1.0) / 2)


def test_tau1_rules_in_noise_and_tau2_at_the_image() -> None:
    assert stretch(RateControl(0.01, 0.2), 1.0, sigma=1.0) == stretch(RateControl(0.01, 0.1), 1.0, sigma=1.0)
    assert stretch(RateControl(0.2, 0.01), 1.0, sigma=0.0) == stretch(RateControl(0.1, 0.01), 1.0, sigma=0.0)


def test_what_has_not_moved_at_all_is_held_for_the_whole_way_and_no_longer() -> None:
    assert stretch(RateControl(0.01, 0.01), 0.0) == 1
    assert stretch(RateControl(1e6, 1e6), 1e-9) == 1


def test_the_first_stretch_is_a_share_of_the_tolerance_and_none_is_made_where_a_later_rate_is_missing() -> None:
    assert stretch(RateControl(0.15, 0.22), None, sigma=1.0, gap=0) == pytest.approx(2.5 * 0.15**2 / 0.9)
    assert stretch(RateControl(0.15, 0.22), None, gap=1) == 0


def test_what_a_stretch_was_made_holds_to_its_end() -> None:
    gate = RateControl(0.15, 0.15)
    first = gate.decide(Moment(11, 28, 1.0, (), 0, 1, 0.6, 0.04))
    assert first.reuse
    far = first.memory[0]
    assert gate.decide(Moment(13, 28, None, first.memory, 2, 1, 0.6, far)).reuse
    assert not gate.decide(Moment(13, 28, None, first.memory, 2, 1, 0.6, far + 1e-9)).reuse


def test_a_noise_level_that_has_not_come_down_is_computed() -> None:
    assert not RateControl(0.5, 0.5).decide(Moment(11, 28, 1.0, (1.0,), 0, 1, 0.6, 0.0)).reuse


def test_a_large_threshold_computes_the_first_step_alone() -> None:
    letters = run_alone(MODEL, Request(method("default", {"tau1": 50.0, "tau2": 50.0}), STEPS, 1), SHAPE)
    assert letters.letters == "f" + 11 * "s"


@pytest.mark.parametrize(("tau1", "order"), [(0.089, 1), (0.09, 0), (0.5, 0)])
def test_without_an_order_only_a_small_threshold_follows_a_line(tau1: float, order: int) -> None:
    made: Method = method("default", {"tau1": tau1})
    assert made.stages[0].fill.num_anchors == order + 1


def test_no_line_goes_through_the_calmed_velocity() -> None:
    running = start(Request(method("default", {"tau1": 0.01, "order": 2}), STEPS, 1), SHAPE)
    seen = []
    for _ in range(4):
        advance(MODEL, [running], SHAPE)
        seen.append([anchor.step_index for anchor in running.cache.stages[0].anchors])
    assert seen == [[0], [1], [2, 1], [3, 2, 1]]


@pytest.mark.parametrize("level", [1.0, 0.75])
def test_a_calmed_velocity_leads_to_the_same_image_of_unit_size(level: float) -> None:
    latents, image, sigma = torch.randn(6, 4), 3 * torch.randn(6, 4), torch.tensor(level)
    found = latents - sigma * calmed((latents - image) / sigma, latents, sigma)
    assert math.isclose(float(found.square().mean()), 1, rel_tol=1e-5)
    assert torch.allclose(found * image.square().mean().sqrt(), image, atol=1e-5)


def test_a_velocity_whose_image_is_small_stays_as_it_is() -> None:
    latents, image, sigma = torch.randn(6, 4), 0.1 * torch.randn(6, 4), torch.tensor(0.75)
    velocity = (latents - image) / sigma
    assert torch.equal(calmed(velocity, latents, sigma), velocity)


def test_a_wrong_threshold_is_refused() -> None:
    with pytest.raises(H2CacheError, match="tau2 is -1"):
        RateControl(0.1, -1)
