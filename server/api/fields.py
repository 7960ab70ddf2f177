"""Single fields of a JSON object, checked strictly: null is absent, true is no number, "1" is no integer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from server.api.quoting import quoted
from server.errors import RequestError


def integer(body: Mapping[str, Any], key: str, low: int, high: int, path: str = "") -> int | None:
    """A whole number within low..high, or None when absent."""
    value = body.get(key)
    if value is None:
        return None
    allowed = f"allowed is a whole number from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise RequestError(f"{path}{key} is {_shown(value)}, {allowed}", path + key)
    if not low <= value <= high:
        raise RequestError(f"{path}{key} is {_shown(value)}, {allowed}", path + key)
    return value


def number(body: Mapping[str, Any], key: str, low: float, high: float, path: str = "") -> float | None:
    """A finite number within low..high, or None when absent."""
    value = body.get(key)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high or not math.isfinite(value):
        raise RequestError(
            f"{path}{key} is {_shown(value)}, allowed is a number from {low:g} to {high:g}", path + key
        )
    return float(value)


def boolean(body: Mapping[str, Any], key: str, path: str = "") -> bool | None:
    """true or false, or None when absent."""
    value = body.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise RequestError(f"{path}{key} is {_shown(value)}, allowed is true or false", path + key)


def text(body: Mapping[str, Any], key: str, longest: int | None = None) -> str | None:
    """A string of at most ``longest`` characters that can be written as UTF-8, or None when absent."""
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RequestError(f"{key} is of the wrong type, allowed is a string", key)
    if longest is not None and len(value) > longest:
        raise RequestError(f"{key} has {len(value)} characters, allowed are {longest}", key)
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise RequestError(f"{key} has a lone surrogate, allowed is text that can be written as UTF-8", key)
    return value


def one_of(body: Mapping[str, Any], key: str, allowed: Sequence[str]) -> str | None:
    """One of some words, or None when absent."""
    value = text(body, key)
    if value is not None and value not in allowed:
        raise RequestError(f"{key} is {quoted(value)}, allowed are {', '.join(allowed)}", key)
    return value


def _shown(value: object) -> str:
    """A number as it is; of an integer of thousands of digits only that it is long."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**20:
        return "a number of more than 20 digits"
    if isinstance(value, str):
        return f"the string {quoted(value)}"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else quoted(value)
