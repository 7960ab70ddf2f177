"""Quantiles of durations."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.pair_stats.quantiles import LONGEST_S, SHORTEST_S, Durations, bucket_of

SECONDS = st.floats(SHORTEST_S, LONGEST_S)


def durations(seconds: list[float]) -> Durations:
    made = Durations()
    for each in seconds:
        made.add(each)
    return made


@given(st.lists(SECONDS, min_size=1, max_size=60), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_within_one_percent_of_the_true_one(seconds: list[float], share: float) -> None:
    rank = max(1, math.ceil(share * len(seconds)))
    assert durations(seconds).quantile(share) == pytest.approx(sorted(seconds)[rank - 1], rel=0.0101)


@given(st.lists(SECONDS, max_size=30), st.lists(SECONDS, max_size=30))
def test_two_added_are_as_one_that_was_told_everything(some: list[float], others: list[float]) -> None:
    added = durations(some)
    added.merge(durations(others))
    assert added == durations(some + others)


def test_of_nothing_there_is_no_quantile() -> None:
    assert Durations().quantile(0.5) is None


@given(st.floats(allow_nan=False))
def test_whatever_a_clock_says_the_buckets_are_bounded(seconds: float) -> None:
    assert bucket_of(SHORTEST_S) <= bucket_of(seconds) <= bucket_of(LONGEST_S)
    assert bucket_of(LONGEST_S) - bucket_of(SHORTEST_S) < 922
