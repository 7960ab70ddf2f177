"""Offered rates as they are written: ``2,4,8`` a second, or ``0.5x,2x`` of the capacity that is measured first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from load_tests.errors import LoadTestError

_RATE = re.compile(r"(\d+(?:\.\d+)?)(x?)")


@dataclass(frozen=True, slots=True)
class Rate:
    """``value`` requests a second, or times the capacity."""

    value: float
    is_relative: bool

    def per_s(self, capacity: float | None) -> float:
        """Requests a second; a relative rate needs the capacity."""
        if not self.is_relative:
            return self.value
        assert capacity is not None
        return self.value * capacity


def parse_rates(text: str) -> tuple[Rate, ...]:
    """Raises LoadTestError for what is no rate above 0."""
    rates = []
    for word in text.split(","):
        found = _RATE.fullmatch(word.strip())
        if found is None or float(found[1]) == 0:
            raise LoadTestError(f"--rate has {word[:20]!r}, allowed are numbers above 0 such as 2 or 0.5x")
        rates.append(Rate(float(found[1]), bool(found[2])))
    return tuple(rates)


def needs_capacity(rates: Sequence[Rate]) -> bool:
    """True where one is relative."""
    return any(rate.is_relative for rate in rates)
