"""The simulation behind ``h2serve plan``, held against what can be worked out by hand."""

import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import SettingsError
from server.plan.forecast import fleets, forecast
from server.plan.simulate import Simulation, poisson
from server.plan.step_times import StepTimes, parse_step_times
from server.plan.workload import Fleet, Workload

ALIKE = StepTimes({1: 0.1})
"""No gain from batching: n samples take n times as long."""
FREE = StepTimes({1: 0.1, 8: 0.1})
"""All of it: eight samples take as long as one."""


def test_between_known_batch_sizes_step_times_are_straight_lines() -> None:
    times = StepTimes({1: 0.1, 4: 0.4, 8: 0.6})
    assert [times.of(n) for n in (1, 2, 4, 6, 8)] == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.6])
    assert times.of(12) == pytest.approx(0.8)
    assert StepTimes({4: 0.4}).of(2) == 0.4
    assert ALIKE.of(3) == pytest.approx(0.3)


@pytest.mark.parametrize("text", ["", "1", "1:x", "0:1", "1:-1", "1:nan", "1:0.1;2:0.2", "1:2:3"])
def test_step_times_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="step times are"):
        parse_step_times(text)


def test_step_times_are_read_as_written() -> None:
    assert parse_step_times("1:0.14,8:1.1") == StepTimes({1: 0.14, 8: 1.1})


def test_one_request_alone_takes_its_steps_and_what_is_around_them() -> None:
    load = Workload(1.0, steps=10, encode_s=0.5, decode_s=0.25)
    (took,) = Simulation(load, Fleet(1, 8, ALIKE), [3.0]).latencies()
    assert took == pytest.approx(0.5 + 1.0 + 0.25)


def test_one_that_joins_midway_is_stepped_together_with_who_is_there() -> None:
    load = Workload(1.0, steps=2)
    # A steps alone until 0.1, then with B until 0.3; B alone until 0.4.
    assert Simulation(load, Fleet(1, 8, ALIKE), [0.0, 0.05]).latencies() == pytest.approx([0.3, 0.35])


def test_one_that_joins_midway_waits_for_the_next_round_of_computing() -> None:
    # Of four steps two compute: A has a round alone until 0.2, then one with B until 0.6; B alone until 0.8.
    load = Workload(1.0, steps=4, computed=2)
    assert Simulation(load, Fleet(1, 8, ALIKE), [0.0, 0.05]).latencies() == pytest.approx([0.6, 0.75])


def test_a_full_batch_lets_the_next_one_wait() -> None:
    load = Workload(1.0, steps=2)
    assert Simulation(load, Fleet(1, 1, ALIKE), [0.0, 0.0, 0.0]).latencies() == pytest.approx([0.2, 0.4, 0.6])


def test_two_workers_share_one_queue() -> None:
    load = Workload(1.0, steps=2)
    assert Simulation(load, Fleet(2, 1, ALIKE), [0.0, 0.0, 0.0]).latencies() == pytest.approx([0.2, 0.2, 0.4])


def test_images_of_one_batch_are_decoded_one_after_the_other() -> None:
    load = Workload(1.0, steps=1, decode_s=0.3)
    assert Simulation(load, Fleet(1, 2, FREE), [0.0, 0.0]).latencies() == pytest.approx([0.4, 0.7])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 2), min_size=1, max_size=40), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5))
def test_nobody_is_ready_before_its_own_work_and_none_is_lost(
    gaps: list[float], workers: int, max_batch: int, steps: int
) -> None:
    arrivals = list(itertools.accumulate(gaps))
    late = Simulation(Workload(1.0, steps, 0.1, 0.05), Fleet(workers, max_batch, ALIKE), arrivals).latencies()
    assert len(late) == len(arrivals)
    assert min(late) >= 0.15 + 0.1 * steps - 1e-9
    assert max(late) <= arrivals[-1] + len(arrivals) * (0.15 + 0.1 * steps) + 1e-9


def test_without_batching_the_mean_wait_is_that_of_the_textbook() -> None:
    # M/D/1 at 60 %: the mean wait is half the service time times rho / (1 - rho).
    load = Workload(0.6, steps=10)
    arrivals = poisson(0.6, 40_000, Random(3))
    late = Simulation(load, Fleet(1, 1, ALIKE), arrivals).latencies()
    assert sum(late) / len(late) == pytest.approx(1 + 0.5 * 0.6 / 0.4, rel=0.05)


def test_capacity_is_that_of_full_batches_or_of_the_decoder() -> None:
    load = Workload(1.0, steps=10)
    assert Fleet(1, 8, ALIKE).images_per_s(load) == pytest.approx(1)
    assert Fleet(3, 8, FREE).images_per_s(load) == pytest.approx(24)
    assert Fleet(1, 8, FREE).images_per_s(Workload(1.0, 10, decode_s=0.5)) == pytest.approx(2)
    small_is_fast = StepTimes({1: 0.1, 2: 0.1, 8: 0.8})
    assert Fleet(1, 8, small_is_fast).images_per_s(load) == pytest.approx(1), "a queue keeps the batch full"


def test_below_capacity_a_fleet_makes_what_is_asked_for() -> None:
    made = forecast(Workload(0.5, steps=10), Fleet(1, 8, ALIKE))
    assert made.images_per_s == pytest.approx(0.5, rel=0.1)
    assert made.utilisation == pytest.approx(0.5)
    assert 1.0 <= made.p50_s <= made.p90_s <= made.p99_s


def test_the_smallest_fleet_that_keeps_the_promise_ends_the_search() -> None:
    tried = list(fleets(Workload(2.5, steps=10), Fleet(1, 8, ALIKE), p99_s=4.0))
    assert [each.workers for each in tried] == list(range(3, 3 + len(tried)))
    assert all(each.p99_s > 4.0 for each in tried[:-1])
    assert tried[-1].p99_s <= 4.0


def test_a_promise_that_no_idle_worker_keeps_is_refused_with_what_is_possible() -> None:
    with pytest.raises(SettingsError, match=r"allowed is at least 1\.00 s"):
        next(fleets(Workload(2.5, steps=10), Fleet(1, 8, ALIKE), p99_s=0.5))
