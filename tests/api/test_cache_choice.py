"""From the request's cache fields to one rule: the laws of presets, overrides, flat and nested thresholds."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from h2cache import method
from server.api.cache_choice import DEFAULT, KEYS, OFF, PAPER, resolve_cache
from server.errors import RequestError
from server.profile import load_profile
from server.request import CacheChoice

PROFILE = load_profile("flux-nano")
PRESETS = ("paper", *PROFILE.presets)
NAMES = st.sampled_from(PRESETS)
TAUS = st.floats(0, 10, allow_nan=False)
OVERRIDES = st.fixed_dictionaries(
    {},
    optional={
        "tau1": TAUS,
        "tau2": TAUS,
        "warmup": st.integers(0, 30),
        "max_consecutive": st.integers(0, 30),
        "last_full": st.booleans(),
    },
)


def values_of(choice: CacheChoice) -> dict[str, Any]:
    return {key: value for key, value in asdict(choice).items() if key != "preset"}


def refusal(body: dict[str, Any]) -> str | None:
    with pytest.raises(RequestError) as refused:
        resolve_cache(body, PROFILE)
    return refused.value.param


def test_nothing_said_means_the_profiles_default() -> None:
    assert resolve_cache({}, PROFILE) == resolve_cache({"cache": PROFILE.default_preset}, PROFILE)


@pytest.mark.parametrize("name", ["off", *PRESETS])
def test_a_name_and_an_object_with_only_that_name_are_the_same(name: str) -> None:
    assert resolve_cache({"cache": name}, PROFILE) == resolve_cache({"cache": {"preset": name}}, PROFILE)
    assert resolve_cache({"cache": name}, PROFILE).preset == name


def test_paper_is_the_papers_rule_and_nothing_more() -> None:
    paper = CacheChoice("paper", 0.15, 0.22, 0, None, False, method="paper")
    assert resolve_cache({"cache": "paper"}, PROFILE) == paper == PAPER


@given(NAMES, OVERRIDES)
def test_an_override_changes_what_it_names_and_nothing_else(name: str, changes: dict[str, Any]) -> None:
    plain = resolve_cache({"cache": name}, PROFILE)
    changed = resolve_cache({"cache": {"preset": name, **changes}}, PROFILE)
    assert values_of(changed) == {**values_of(plain), **changes}
    assert changed.preset == (f"{name}+" if changes else name)


@given(OVERRIDES, st.sampled_from([PAPER, DEFAULT]))
def test_an_object_with_a_method_of_two_thresholds_is_that_method_with_what_is_given(
    given_values: dict[str, Any], base: CacheChoice
) -> None:
    choice = resolve_cache({"cache": {"method": base.method, **given_values}}, PROFILE)
    assert (choice.preset, values_of(choice)) == ("custom", {**values_of(base), **given_values})


@given(OVERRIDES)
def test_an_object_without_a_preset_is_the_default_method_with_what_is_given(given_values: dict[str, Any]) -> None:
    choice = resolve_cache({"cache": given_values}, PROFILE)
    assert (choice.preset, values_of(choice)) == ("custom", {**values_of(DEFAULT), **given_values})


def test_the_default_method_s_other_parameters_are_given_with_its_name() -> None:
    choice = resolve_cache({"cache": {"method": "default", "order": 1}, "tau1": 0.2}, PROFILE)
    assert choice.parameters == (("order", 1), ("tau1", 0.2))


def test_absent_thresholds_are_the_library_s() -> None:
    for choice in (PAPER, DEFAULT):
        given_both = method(choice.method, {"tau1": choice.tau1, "tau2": choice.tau2})
        assert method(choice.method, {}) == given_both


def test_another_method_than_the_preset_s_is_refused() -> None:
    assert refusal({"cache": {"preset": "fast", "method": "paper"}}) == "cache.method"


@given(TAUS | st.none(), TAUS | st.none())
def test_flat_thresholds_mean_what_nested_ones_mean(tau1: float | None, tau2: float | None) -> None:
    taus = {"tau1": tau1, "tau2": tau2}
    if tau1 is not None or tau2 is not None:
        nested = resolve_cache({"cache": taus}, PROFILE)
        assert resolve_cache(taus, PROFILE) == nested
        assert resolve_cache({**taus, "cache": taus}, PROFILE) == nested
        assert resolve_cache({**taus, "cache": {}}, PROFILE) == nested


@given(NAMES, TAUS)
def test_a_flat_threshold_beside_a_preset_overrides_it(name: str, tau: float) -> None:
    nested = resolve_cache({"cache": {"preset": name, "tau2": tau}}, PROFILE)
    assert resolve_cache({"cache": name, "tau2": tau}, PROFILE) == nested


@given(st.sampled_from(["tau1", "tau2"]), TAUS, TAUS)
def test_flat_and_nested_thresholds_that_differ_are_refused(key: str, flat: float, nested: float) -> None:
    if flat != nested:
        assert refusal({key: flat, "cache": {key: nested}}) == key


@given(OVERRIDES, st.sets(st.sampled_from(KEYS)))
def test_null_means_absent(given_values: dict[str, Any], nulls: set[str]) -> None:
    with_nulls = {**dict.fromkeys(nulls), **given_values}
    assert resolve_cache({"cache": with_nulls}, PROFILE) == resolve_cache({"cache": given_values}, PROFILE)
    assert resolve_cache({"cache": None, "quality": None, "tau1": None}, PROFILE) == resolve_cache({}, PROFILE)


@pytest.mark.parametrize("quality", list(PROFILE.quality))
def test_quality_names_a_preset_and_the_cache_wins_over_it(quality: str) -> None:
    named = resolve_cache({"cache": PROFILE.quality[quality]}, PROFILE)
    assert resolve_cache({"quality": quality}, PROFILE) == named
    assert resolve_cache({"quality": quality, "cache": "off"}, PROFILE) == OFF
    assert resolve_cache({"quality": quality, "tau1": 0.3}, PROFILE).preset == "custom"


@pytest.mark.parametrize("override", [{"tau1": 0.1}, {"warmup": 2}, {"last_full": False}])
def test_off_has_nothing_to_override(override: dict[str, Any]) -> None:
    assert refusal({"cache": {"preset": "off", **override}}) == "cache"


def test_an_unknown_preset_is_named_where_it_was_given() -> None:
    assert refusal({"cache": "fastest"}) == "cache"
    assert refusal({"cache": {"preset": "fastest"}}) == "cache.preset"


@given(st.text().filter(lambda key: key not in KEYS))
def test_an_unknown_key_of_the_cache_is_refused_by_its_name(key: str) -> None:
    assert refusal({"cache": {key: None}}) == f"cache.{key}"
