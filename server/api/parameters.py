"""Parameters of caching methods and their parts, checked by what ``server.cache_methods`` says of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from server.api.fields import boolean, integer, number
from server.api.quoting import quoted
from server.cache_methods import HIGHEST, MOST_NUMBERS, Flag, Letters, Number, Numbers, OneOf, Parameter, Whole
from server.errors import RequestError
from server.request import ParameterValue


def checked(given: Mapping[str, Any], key: str, parameter: Parameter, path: str) -> ParameterValue:
    """The value of a parameter that is there; ``path`` is what its own path starts with."""
    value: ParameterValue | None
    match parameter:
        case Number(low, high):
            value = number(given, key, low, high, path)
        case Whole(low, high):
            value = integer(given, key, low, high, path)
        case Flag():
            value = boolean(given, key, path)
        case Numbers(low, fewest):
            value = _numbers(given[key], path + key, low, fewest)
        case Letters():
            value = _letters(given[key], path + key)
        case OneOf(words):
            value = _one_of(given[key], path + key, words)
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


def _one_of(value: object, path: str, words: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in words:
        raise RequestError(f"{path} is {quoted(value)}, allowed are {', '.join(words)}", path)
    return value


def refuse_other_lengths(values: Mapping[str, ParameterValue], keys: Sequence[str], path: str) -> None:
    """Tables with an entry a step belong together."""
    lengths = {key: len(value) for key in keys if isinstance(value := values[key], tuple)}
    for key, length in lengths.items():
        if length != lengths[keys[0]]:
            allowed = f"allowed are {lengths[keys[0]]} as in {path}{keys[0]}"
            raise RequestError(f"{path}{key} has {length} numbers, {allowed}", path + key)
