"""The API's table of methods is the library's, and what it lets through can be built."""

from inspect import signature
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from h2cache import METHODS, Method
from server.api.cache_choice import resolve_cache
from server.cache_methods import (
    AS_LONG,
    CACHE_METHODS,
    NEEDED,
    Flag,
    Letters,
    Number,
    Numbers,
    OneOf,
    Parameter,
    Whole,
)
from server.engine.sample import cache_method
from server.errors import RequestError
from server.profile import load_profile

PROFILE = load_profile("flux-nano")


def test_both_tables_have_the_same_methods_with_the_same_parameters() -> None:
    assert {name: list(signature(build).parameters) for name, build in METHODS.items()} == {
        name: list(parameters) for name, parameters in CACHE_METHODS.items()
    }


def test_what_has_no_default_is_needed() -> None:
    needed = {
        name: tuple(key for key, spec in signature(build).parameters.items() if spec.default is spec.empty)
        for name, build in METHODS.items()
    }
    assert {name: keys for name, keys in needed.items() if keys} == NEEDED


def values(parameter: Parameter, length: int | None = None) -> st.SearchStrategy[Any]:
    match parameter:
        case Number(low, high):
            return st.floats(low, high)
        case Whole(low, high):
            return st.integers(low, high)
        case Flag():
            return st.booleans()
        case Numbers(low, fewest):
            return st.lists(st.floats(low, 1e6), min_size=length or fewest, max_size=length or 8)
        case Letters():
            return st.text("01", min_size=1, max_size=60)
        case OneOf(words):
            return st.sampled_from(words)


def objects(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.integers(1, 8).flatmap(lambda length: objects_with_tables(name, length))


def objects_with_tables(name: str, length: int) -> st.SearchStrategy[dict[str, Any]]:
    needed, as_long = NEEDED.get(name, ()), AS_LONG.get(name, ())
    strategies = {
        key: values(parameter, length if key in as_long else None)
        for key, parameter in CACHE_METHODS[name].items()
    }
    return st.fixed_dictionaries(
        {"method": st.just(name), **{key: strategies[key] for key in needed}},
        optional={key: strategy for key, strategy in strategies.items() if key not in needed},
    )


@given(st.sampled_from(list(CACHE_METHODS)).flatmap(objects))
def test_whatever_the_api_lets_through_can_be_built(cache: dict[str, Any]) -> None:
    choice = resolve_cache({"cache": cache}, PROFILE)
    assert not choice.is_off
    built = cache_method(choice)
    assert isinstance(built, Method)
    assert built.name == cache["method"]


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({"cache": {"method": "tea"}}, "cache.method", "allowed are default, paper, fbcache"),
        ({"cache": {"method": 7}}, "cache.method", "allowed are default, paper"),
        ({"cache": {"method": "dicache", "tau1": 0.1}}, "cache.tau1", "allowed for dicache are threshold"),
        ({"cache": {"method": "dicache"}, "tau1": 0.1}, "tau1", "allowed for method dicache is within it"),
        ({"cache": {"method": "dicache", "preset": "fast"}}, "cache.preset", "unknown"),
        ({"cache": {"method": "dicache", "threshold": -1}}, "cache.threshold", "a number from 0"),
        ({"cache": {"method": "taylorseer", "order": 3}}, "cache.order", "from 1 to 2"),
        ({"cache": {"method": "ertacache-like"}}, "cache.pattern", "ertacache-like needs it"),
        ({"cache": {"method": "mask", "steps": "0a"}}, "cache.steps", "letters 0 and 1"),
        ({"cache": {"method": "magcache", "ratios": []}}, "cache.ratios", "1 to 1000 numbers"),
        ({"cache": {"method": "magcache", "ratios": [1, True]}}, "cache.ratios", "no number"),
        ({"cache": {"method": "fbcache", "at": 1}}, "cache.at", "true or false"),
        (
            {"cache": {"method": "sencache", "to_latents": [1, 2], "to_time": [1], "times": [1, 0]}},
            "cache.to_time",
            "has 1 numbers, allowed are 2 as in cache.to_latents",
        ),
    ],
)
def test_a_wrong_method_or_parameter_is_refused_by_its_path(body: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(RequestError, match=said) as refused:
        resolve_cache(body, PROFILE)
    assert refused.value.param == param
