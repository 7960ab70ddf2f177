"""A caching method named in the request, with parameters of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from server.api.fields import boolean, integer, number
from server.api.quoting import quoted
from server.cache_methods import (
    AS_LONG,
    CACHE_METHODS,
    HIGHEST,
    MOST_NUMBERS,
    NEEDED,
    Flag,
    Letters,
    Number,
    Numbers,
    Parameter,
    Whole,
)
from server.errors import RequestError
from server.request import CacheChoice, ParameterValue


def method_choice(cache: Mapping[str, Any], flat: Mapping[str, float]) -> CacheChoice:
    """The object with ``method``; ``flat`` are thresholds beside it, which only the paper's rule has."""
    name = cache["method"]
    if not isinstance(name, str) or name not in CACHE_METHODS:
        allowed = ", ".join(CACHE_METHODS)
        raise RequestError(f"cache.method is {quoted(name)}, allowed are {allowed}", "cache.method")
    for key in flat:
        raise RequestError(f"{key} is a threshold of the paper's rule, and the method is {name}", key)
    known = CACHE_METHODS[name]
    given = {key: value for key, value in cache.items() if key != "method" and value is not None}
    for key in given:
        if key not in known:
            path = f"cache.{key}"
            raise RequestError(f"{quoted(path)} is unknown, allowed for {name} are {', '.join(known)}", path)
    for key in NEEDED.get(name, ()):
        if key not in given:
            raise RequestError(f"cache.{key} is missing, and {name} needs it", f"cache.{key}")
    parameters = tuple((key, _value(given, key, known[key])) for key in given)
    _refuse_other_lengths(dict(parameters), AS_LONG.get(name, ()))
    return CacheChoice("custom", None, None, method=name, parameters=parameters)


def _refuse_other_lengths(values: Mapping[str, ParameterValue], keys: Sequence[str]) -> None:
    """Tables with an entry a step belong together."""
    lengths = {key: len(value) for key in keys if isinstance(value := values[key], tuple)}
    for key, length in lengths.items():
        if length != lengths[keys[0]]:
            allowed = f"allowed are {lengths[keys[0]]} as in cache.{keys[0]}"
            raise RequestError(f"cache.{key} has {length} numbers, {allowed}", f"cache.{key}")


def _value(given: Mapping[str, Any], key: str, parameter: Parameter) -> ParameterValue:
    """The checked value; it is there."""
    value: ParameterValue | None
    match parameter:
        case Number(low, high):
            value = number(given, key, low, high, "cache.")
        case Whole(low, high):
            value = integer(given, key, low, high, "cache.")
        case Flag():
            value = boolean(given, key, "cache.")
        case Numbers(low, fewest):
            value = _numbers(given[key], f"cache.{key}", low, fewest)
        case Letters():
            value = _letters(given[key], f"cache.{key}")
    assert value is not None
    return value


def _numbers(value: object, path: str, low: float, fewest: int) -> tuple[float, ...]:
    if not isinstance(value, list) or not fewest <= len(value) <= MOST_NUMBERS:
        raise RequestError(f"{path} is wrong, allowed is a list of {fewest} to {MOST_NUMBERS} numbers", path)
    for each in value:
        if isinstance(each, bool) or not isinstance(each, int | float) or not low <= each <= max(HIGHEST, -low):
            raise RequestError(f"{path} has an entry that is no number from {low:g} up", path)
    return tuple(float(each) for each in value)


def _letters(value: object, path: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MOST_NUMBERS or set(value) - {"0", "1"}:
        raise RequestError(f"{path} is wrong, allowed is a text of 1 to {MOST_NUMBERS} letters 0 and 1", path)
    return value
