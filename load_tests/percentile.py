"""Percentiles by nearest rank: a value that was measured, not one between two."""

import math
from collections.abc import Sequence

FEWEST_FOR_P99 = 1000
"""Below so many the 99th percentile is the mood of a few requests."""


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least ``share`` (0 to 1) of all are at or below; None of none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def p99(values: Sequence[float]) -> float | None:
    """None below 1,000 values."""
    return percentile(values, 0.99) if len(values) >= FEWEST_FOR_P99 else None
