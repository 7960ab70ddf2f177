"""A form's fields mean what the same JSON would, or are refused by the name of their field."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.api.form_body import body_of
from server.errors import RequestError

NAMES = st.text(
    st.characters(codec="ascii", categories=["L", "N"], include_characters="_-"), min_size=1, max_size=12
)
NUMBERS = st.integers(-(10**18), 10**18) | st.floats(-1e6, 1e6, allow_nan=False)
LEAVES = st.booleans() | NUMBERS | st.sampled_from(["fast", "below", "two-stages"])
TREES = st.recursive(
    LEAVES | st.lists(LEAVES, min_size=1, max_size=3),
    lambda inner: st.dictionaries(NAMES.filter(lambda name: name not in ("steps", "pattern")), inner, min_size=1),
    max_leaves=5,
)


def as_openai_sends(tree: Any, path: str = "cache") -> list[tuple[str, str]]:
    """Its query strings of nested extras: brackets, and booleans as ``true``."""
    if isinstance(tree, dict):
        return [pair for key, value in tree.items() for pair in as_openai_sends(value, f"{path}[{key}]")]
    if isinstance(tree, list):
        return [pair for value in tree for pair in as_openai_sends(value, f"{path}[]")]
    return [(path, {True: "true", False: "false"}[tree] if isinstance(tree, bool) else str(tree))]


def depth_of(tree: Any) -> int:
    if isinstance(tree, dict):
        return 1 + max(map(depth_of, tree.values()))
    return 1 if isinstance(tree, list) else 0


@settings(deadline=None)
@given(st.dictionaries(NAMES.filter(lambda name: name not in ("steps", "pattern")), TREES, min_size=1, max_size=4))
def test_a_cache_in_brackets_is_the_cache_as_json(cache: dict[str, Any]) -> None:
    if depth_of(cache) <= 4:
        assert body_of(as_openai_sends(cache)) == {"cache": cache}
    assert body_of([("cache", json.dumps(cache))]) == {"cache": cache}


def test_fields_get_the_types_of_the_json_api() -> None:
    fields = [("prompt", "7"), ("n", "2"), ("guidance_scale", "2.5"), ("strength", "1"), ("stream", "true")]
    assert body_of([*fields, ("tau1", "1e-1"), ("seed", "-3")]) == {
        "prompt": "7",
        "n": 2,
        "guidance_scale": 2.5,
        "strength": 1,
        "stream": True,
        "tau1": 0.1,
        "seed": -3,
    }


@pytest.mark.parametrize("value", ["two", "", " 2", "2\n", "0x2", "1_000", "NaN", "inf", "--2", "٢", "9" * 5000])
def test_what_is_no_number_stays_a_text_that_the_field_s_check_refuses(value: str) -> None:
    assert body_of([("n", value)]) == {"n": value}


def test_a_letter_a_step_is_no_number() -> None:
    assert body_of([("cache[method]", "mask"), ("cache[steps]", "1010")]) == {
        "cache": {"method": "mask", "steps": "1010"}
    }


def test_a_preset_is_named_as_it_is() -> None:
    assert body_of([("cache", "fast")]) == {"cache": "fast"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ([("prompt", "a"), ("prompt", "b")], "prompt"),
        ([("cache", "fast"), ("cache", "fast")], "cache"),
        ([("cache", "fast"), ("cache[tau1]", "1")], "cache"),
        ([("cache[tau1]", "1"), ("cache[tau1]", "2")], "cache.tau1"),
        ([("cache[tau1]", "1"), ("cache[tau1][x]", "2")], "cache.tau1.x"),
        ([("cache[gate][kind]", "below"), ("cache[gate]", "below")], "cache.gate"),
        ([("cache[fill][]", "last"), ("cache[fill]", "last")], "cache.fill"),
        ([("cache[fill]", "last"), ("cache[fill][]", "last")], "cache.fill"),
        ([("cache[fill][][kind]", "last")], "cache.fill.kind"),
        ([("cache[]", "1")], "cache"),
        ([("cache[][]", "1")], "cache"),
        ([("cache", '{"tau1": NaN}')], "cache.tau1"),
        ([("cache", '{"tau1": 1, "tau1": 2}')], "cache.tau1"),
        ([("cache", "{")], "cache"),
        ([("cache", "{}}")], "cache"),
        ([("cache", "{" + '"a":{' * 10_000)], "cache"),
        ([("cache", '{"tau1": ' + "9" * 5000 + "}")], "cache"),
    ],
)
def test_what_has_no_one_meaning_is_refused_by_its_path(fields: list[tuple[str, str]], param: str) -> None:
    with pytest.raises(RequestError) as refused:
        body_of(fields)
    assert refused.value.param == param
    assert len(refused.value.message) < 300


@settings(deadline=None)
@given(st.lists(st.tuples(st.text("cache[]tau1x", max_size=16), st.text(max_size=8)), max_size=6))
def test_any_fields_are_a_body_or_a_refusal(fields: list[tuple[str, str]]) -> None:
    try:
        assert isinstance(body_of(fields), dict)
    except RequestError as refused:
        assert refused.param is not None
