"""What thresholds leave of the work: the table is the arena's, and the line between its pairs is a line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from h2cache.arena.ranking import points_of
from h2cache.arena.rows import read_rows
from server.measured_share import MEASURED, share_at
from server.request import TWO_THRESHOLDS

RESULTS = Path(__file__).parent.parent.parent / "docs" / "arena" / "results.csv"
TAUS = st.floats(0, 1e6)


def test_the_table_is_what_the_arena_measured_at_28_steps() -> None:
    points = [point for point in points_of(read_rows(RESULTS)) if point.steps == 28 and point.method in MEASURED]
    measured = {(point.method, point.setting): point.flops_ratio for point in points if point.origin == ""}
    table = {
        (method, f"tau1={tau1:g} tau2={tau2:g}"): share
        for method, pairs in MEASURED.items()
        for (tau1, tau2), share in pairs.items()
    }
    assert table == pytest.approx(measured, abs=5e-4)


def test_every_method_of_two_thresholds_was_measured() -> None:
    assert set(MEASURED) == set(TWO_THRESHOLDS)


@pytest.mark.parametrize("method", MEASURED)
def test_a_measured_pair_leaves_what_was_measured_and_0_everything(method: str) -> None:
    assert share_at(method, 0, 0) == 1
    for pair, share in MEASURED[method].items():
        assert share_at(method, *pair) == pytest.approx(share)


@given(st.sampled_from(sorted(MEASURED)), TAUS, TAUS, TAUS)
def test_larger_thresholds_never_leave_more(method: str, tau1: float, tau2: float, more: float) -> None:
    share = share_at(method, tau1, tau2)
    assert 0 < share_at(method, tau1 + more, tau2) <= share <= 1
    assert share_at(method, tau1, tau2 + more) <= share
