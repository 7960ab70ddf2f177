"""Which labels thresholds get."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.app_models import label_rule, served_models
from server.metrics.thresholds import MAX_EDGES, MAX_PAIRS, MAX_PRESETS, Labels, cells, threshold_rule, written
from server.request import CacheChoice
from tests.live import settings_for_tests
from tests.metrics.sides import EDGES, FULLEST_RULE, OFF, RULE, pair

TAUS = st.floats(0, 1e6, allow_nan=False)


def test_a_preset_has_its_name_and_its_exact_thresholds() -> None:
    assert RULE.labels(pair(0.25, 0.35, "fast")) == Labels("fast", "0.25", "0.35")
    assert RULE.labels(pair(0.15, 0.22, "paper")) == Labels("paper", "0.15", "0.22")


def test_a_preset_s_thresholds_given_by_hand_are_written_exactly_too() -> None:
    assert RULE.labels(pair(0.25, 0.35)) == Labels("custom", "0.25", "0.35")


def test_a_preset_with_an_override_is_custom() -> None:
    assert RULE.labels(pair(0.3, 0.3, "fast+")) == Labels("custom", "0.3", "0.3")


def test_a_configured_pair_is_written_exactly_and_a_neighbour_by_its_cell() -> None:
    assert RULE.labels(pair(0.3, 0.3)) == Labels("custom", "0.3", "0.3")
    assert RULE.labels(pair(0.3, 0.3000001)) == Labels("custom", "0.2..0.4", "0.2..0.4", in_cell=True)


@pytest.mark.parametrize(
    ("tau", "cell"),
    [(0.0, "0..0.05"), (0.0499, "0..0.05"), (0.05, "0.05..0.1"), (0.17, "0.1..0.2"), (0.4, "0.4..inf")],
)
def test_a_cell_holds_its_lower_bound_and_not_its_upper(tau: float, cell: str) -> None:
    assert RULE.labels(pair(tau, tau)) == Labels("custom", cell, cell, in_cell=True)


def test_a_rule_without_thresholds_is_none() -> None:
    assert RULE.labels(OFF) == Labels("off", "none", "none")
    assert RULE.labels(CacheChoice("custom", None, None, method="teacache")) == Labels("custom", "none", "none")


@given(st.text(), st.none() | TAUS, st.none() | TAUS)
def test_whatever_a_client_sends_the_labels_are_of_a_known_set(
    preset: str, tau1: float | None, tau2: float | None
) -> None:
    labels = FULLEST_RULE.labels(CacheChoice(preset, tau1, tau2))
    exact = set(FULLEST_RULE.exact.values())
    grid = {(one, other) for one in cells(EDGES) for other in cells(EDGES)}
    assert (labels.tau1, labels.tau2) in {("none", "none"), *exact, *grid}
    assert labels.preset in {"off", "paper", "custom", *(f"preset-{i}" for i in range(MAX_PRESETS))}


@given(TAUS, TAUS)
def test_a_pair_lies_within_the_bounds_that_its_cell_is_named_by(tau1: float, tau2: float) -> None:
    labels = RULE.labels(pair(tau1, tau2))
    if labels.in_cell:
        for tau, cell in ((tau1, labels.tau1), (tau2, labels.tau2)):
            low, high = map(float, cell.split(".."))
            assert low <= tau < high


@given(st.floats(allow_nan=False))
def test_a_written_number_reads_back_as_itself(number: float) -> None:
    assert float(written(number)) == number


def test_whole_numbers_are_written_without_a_point() -> None:
    assert [written(number) for number in (1, 0.0, 0.15, 25.0)] == ["1", "0", "0.15", "25"]


def test_presets_and_pairs_beyond_the_bounds_have_no_label_of_their_own() -> None:
    presets = [(f"p{i}", (i / 100, 0.7)) for i in range(MAX_PRESETS + 1)]
    rule = threshold_rule(presets, [(i / 100, 0.8) for i in range(MAX_PAIRS + 1)], EDGES, EDGES)
    assert rule.labels(pair(0.0, 0.7, "p0")) == Labels("p0", "0", "0.7")
    beyond = rule.labels(pair(MAX_PRESETS / 100, 0.7, f"p{MAX_PRESETS}"))
    assert (beyond.preset, beyond.tau1) == ("custom", "0.05..0.1")
    assert rule.labels(pair((MAX_PAIRS - 1) / 100, 0.8)).tau2 == "0.8"
    assert rule.labels(pair(MAX_PAIRS / 100, 0.8)).tau2 == "0.4..inf"


def test_the_presets_of_every_model_have_their_thresholds_as_written() -> None:
    settings = settings_for_tests(further_models="black-forest-labs/FLUX.1-dev")
    rule = label_rule(settings, *served_models(settings).listed)
    for tau1, tau2 in ((0.2, 0.3), (0.25, 0.35)):
        assert rule.labels(pair(tau1, tau2, "fast")) == Labels("fast", str(tau1), str(tau2))
    assert len(rule.exact) <= MAX_PRESETS + MAX_PAIRS + 1


@pytest.mark.parametrize("edges", [(), (0.2, 0.1), (0.1, 0.1), (0.0, 0.1), (-1.0,), (0.1,) * (MAX_EDGES + 1)])
def test_edges_that_make_no_grid_are_refused(edges: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rising numbers above 0"):
        threshold_rule([], [], edges, EDGES)
