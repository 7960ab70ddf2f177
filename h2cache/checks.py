"""Checks of what callers set; the message has the name, the value and what is allowed."""

import sys

from h2cache.errors import H2CacheError


def check_number(name: str, value: object, low: float = 0.0) -> None:
    """Raise H2CacheError unless ``value`` is a finite number from ``low`` up."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and low <= value <= sys.float_info.max):  # type: ignore[operator]  # mypy does not follow is_number
        raise H2CacheError(f"{name} is {value!r}, allowed is a finite number from {low:g} up")


def check_numbers(name: str, values: object, low: float = -sys.float_info.max) -> None:
    """Raise H2CacheError unless ``values`` is a tuple of finite numbers from ``low`` up."""
    if not isinstance(values, tuple):
        raise H2CacheError(f"{name} is of the wrong type, allowed are finite numbers")
    for place, value in enumerate(values):
        check_number(f"{name}[{place}]", value, low)


def check_count(name: str, value: object, low: int = 0) -> None:
    """Raise H2CacheError unless ``value`` is a whole number from ``low`` up."""
    if not (isinstance(value, int) and not isinstance(value, bool) and value >= low):
        raise H2CacheError(f"{name} is {value!r}, allowed is a whole number from {low} up")


def check_flag(name: str, value: object) -> None:
    """Raise H2CacheError unless ``value`` is True or False."""
    if not isinstance(value, bool):
        raise H2CacheError(f"{name} is {value!r}, allowed is True or False")
