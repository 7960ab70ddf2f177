"""Does something grow with time? Rules over samples of a long run, each with its time in seconds."""

import statistics
from collections.abc import Sequence

WARM_UP = 0.2
"""The share of a run that fills caches and pools, and is not looked at."""
Series = Sequence[tuple[float, float]]
"""(time, value) in order of time."""


def slope_a_minute(series: Series) -> float:
    """Of a line through the values after the warm-up, by least squares; 0 for fewer than two values."""
    settled = series[int(WARM_UP * len(series)) :]
    if len(settled) < 2:
        return 0.0
    times, values = zip(*settled, strict=True)
    return 60 * statistics.linear_regression(times, values).slope


def growth_of_the_floor(series: Series) -> float:
    """Least value of the last quarter over the one before: what is under way comes and goes, a leak stays."""
    quarter = max(1, len(series) // 4)
    before, last = series[-2 * quarter : -quarter] or series[:1], series[-quarter:]
    return min(value for _, value in last) / max(1.0, min(value for _, value in before))
