"""The schedule in noise levels: when it computes, what it asks of the host, and what a miss makes of it."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from h2cache import H2CacheError, denoise_step, flux_model, from_bytes, method, to_bytes
from h2cache.gate import Moment
from h2cache.gates.sigma_spaced import SigmaSpaced
from tests.h2cache.host_reads import HostReads
from tests.h2cache.samples import Request, Running, Shape, inputs_of, run_alone, start, tiny_transformer

SHAPE = Shape(3, 4, 2)
MODEL = flux_model(tiny_transformer())
STEPS = 12
TAUS, SIGMAS = st.floats(0, 1), st.floats(0, 1)
MISSES = st.floats(1e-6, 1e3)


def moment(last: float, here: float, miss: float | None = None, memory: tuple[float, ...] = ()) -> Moment:
    return Moment(11, 28, miss, memory, 0, 10, 1, last, last - here)


def reuses(gate: SigmaSpaced, last: float, here: float, miss: float | None = None) -> bool:
    return gate.decide(moment(last, here, miss)).reuse


def pattern(tau1: float, tau2: float, sigmas: list[float]) -> str:
    """1 where a schedule of these noise levels is computed."""
    gate, letters, last = SigmaSpaced(tau1, tau2), "1", sigmas[0]
    for sigma in sigmas[1:]:
        reused = reuses(gate, last, sigma)
        letters += "0" if reused else "1"
        last = last if reused else sigma
    return letters


def shifted(steps: int) -> list[float]:
    """FLUX's noise levels at a small image: sigma = s t / (1 + (s - 1) t)."""
    times = [1 - k / steps for k in range(steps)]
    return [1.57 * t / (1 + 0.57 * t) for t in times]


def test_steps_are_closer_in_noise_than_at_the_image() -> None:
    assert pattern(0.03, 0.2, shifted(28)) == "1010100100100100010001000100"


def test_about_as_many_steps_are_computed_whatever_their_number() -> None:
    counts = [pattern(0.03, 0.2, shifted(steps)).count("1") for steps in (28, 50, 100)]
    assert max(counts) - min(counts) <= 3


@given(SIGMAS, SIGMAS, MISSES)
def test_thresholds_of_0_never_reuse(last: float, here: float, miss: float) -> None:
    assert not reuses(SigmaSpaced(0.0, 0.0, feedback=1.0), last, min(last, here), miss)


@given(TAUS, TAUS, TAUS, TAUS, SIGMAS, SIGMAS)
def test_a_larger_threshold_never_reuses_less(
    one: float, other: float, third: float, fourth: float, last: float, here: float
) -> None:
    last, here = max(last, here), min(last, here)
    small = SigmaSpaced(min(one, other), min(third, fourth))
    large = SigmaSpaced(max(one, other), max(third, fourth))
    assert reuses(small, last, here) <= reuses(large, last, here)


@given(MISSES, MISSES, st.floats(0, 1))
def test_a_larger_miss_never_lengthens_the_way(one: float, other: float, feedback: float) -> None:
    gate = SigmaSpaced(0.1, 0.1, feedback)
    assert gate.factor(max(one, other)) <= gate.factor(min(one, other))
    assert 0.5 <= gate.factor(one) <= 2


def test_the_usual_miss_and_none_leave_the_way_as_it_is() -> None:
    gate = SigmaSpaced(0.1, 0.1, 0.7, usual=0.03)
    assert gate.factor(0.03) == gate.factor(None) == 1
    assert gate.factor(0.0) == 2


def test_what_a_miss_says_holds_for_the_whole_way() -> None:
    gate = SigmaSpaced(0.1, 0.1, 1.0, usual=0.1)
    first = gate.decide(moment(0.9, 0.86, miss=0.2))
    assert first.reuse
    assert gate.decide(moment(0.9, 0.84, memory=first.memory)).reuse is False
    assert gate.decide(moment(0.9, 0.84, memory=(1.0,))).reuse


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tau1": -1.0}, "tau1 is -1.0"),
        ({"feedback": 1.5}, "feedback is 1.5, allowed is a number from 0 to 1"),
        ({"usual": 0.0}, "usual is 0.0"),
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(H2CacheError, match=said):
        SigmaSpaced(**{"tau1": 0.1, "tau2": 0.1, **wrong})


def run(feedback: float, says_sigmas: bool, saves: bool = False) -> tuple[Running, list[int]]:
    """A sample to its end, and how often the host waited in each step."""
    running = start(Request(method("spaced", {"tau1": 0.13, "tau2": 0.4, "feedback": feedback}), STEPS, 1), SHAPE)
    waits = []
    for step in range(STEPS):
        sigma = 1 - step / STEPS
        inputs = replace(inputs_of([running], SHAPE), sigmas=(sigma,) if says_sigmas else None)
        with HostReads() as reads:
            result = denoise_step(MODEL, inputs, [running.cache])
        waits.append(sum(reads.seen.values()))
        running.latents = running.latents - result.velocity[0] / STEPS
        running.cache = from_bytes(to_bytes(result.caches[0])) if saves else result.caches[0]
        running.records += result.records
    return running, waits


def test_nobody_waits_where_the_caller_says_the_noise_levels() -> None:
    _, waits = run(0.0, says_sigmas=True)
    assert set(waits) == {0}


def test_with_feedback_the_host_waits_once_after_each_computed_step() -> None:
    running, waits = run(0.5, says_sigmas=True)
    after_computed = [letter == "f" for letter in running.letters[:-1]]
    assert waits == [0, *map(int, after_computed)]


@pytest.mark.parametrize("feedback", [0.0, 0.5])
def test_without_the_noise_levels_it_decides_alike_and_waits_once_a_step(feedback: float) -> None:
    told, _ = run(feedback, says_sigmas=True)
    read, waits = run(feedback, says_sigmas=False)
    assert read.letters == told.letters
    assert torch.equal(read.latents, told.latents)
    assert waits == [0] + (STEPS - 1) * [1]


def test_a_saved_sample_still_knows_its_noise_levels() -> None:
    whole, _ = run(0.5, says_sigmas=True)
    moved, waits = run(0.5, says_sigmas=True, saves=True)
    assert moved.letters == whole.letters
    assert waits.count(1) < STEPS - 1


def test_as_many_noise_levels_as_samples_are_asked_for() -> None:
    running = start(Request(None, STEPS, 1), SHAPE)
    inputs = replace(inputs_of([running], SHAPE), sigmas=(1.0, 1.0))
    with pytest.raises(H2CacheError, match="2 sigmas for a batch of 1, allowed is one a row"):
        denoise_step(MODEL, inputs, [running.cache])


def test_above_its_level_nothing_is_made_good_in_hindsight() -> None:
    def ended(hindsight: float, below: float) -> torch.Tensor:
        said = {"tau1": 0.2, "tau2": 0.2, "hindsight": hindsight, "hindsight_below": below}
        return run_alone(MODEL, Request(method("spaced", said), STEPS, 1), SHAPE).latents

    assert torch.equal(ended(0.5, 0.0), ended(0.0, 1.0))
    assert not torch.equal(ended(0.5, 0.5), ended(0.0, 1.0))
    assert not torch.equal(ended(0.5, 0.5), ended(0.5, 1.0))
