"""How much of a step's work the two thresholds leave, as the arena measured it on flux-nano.

The figures are means of ``flops_ratio`` (at FLUX.1's price) over the 48 images of each pair at 28 steps in
docs/arena/results.csv. What one rule leaves says nothing of the other's.
"""

import bisect
from collections.abc import Mapping

Pair = tuple[float, float]
"""tau1, tau2."""
MEASURED: Mapping[str, Mapping[Pair, float]] = {
    "default": {
        (0.015, 0.022): 0.888,
        (0.025, 0.037): 0.671,
        (0.04, 0.06): 0.513,
        (0.06, 0.09): 0.405,
        (0.085, 0.125): 0.354,
        (0.11, 0.16): 0.260,
        (0.15, 0.22): 0.219,
        (0.2, 0.3): 0.176,
    },
    "paper": {
        (0.05, 0.05): 0.633,
        (0.08, 0.1): 0.459,
        (0.1, 0.1): 0.409,
        (0.12, 0.15): 0.346,
        (0.15, 0.22): 0.292,
        (0.2, 0.25): 0.248,
        (0.25, 0.35): 0.206,
        (0.35, 0.5): 0.161,
    },
}


def share_at(method: str, tau1: float, tau2: float) -> float:
    """From 0 to 1, never more for larger thresholds: between two pairs a straight line over the thresholds' mean.

    Thresholds of 0 leave everything, and those beyond the largest pair as much as that one. ``method`` is one of
    ``MEASURED``.
    """
    points = [(0.0, 1.0), *((mean(pair), share) for pair, share in MEASURED[method].items())]
    x = min(mean((tau1, tau2)), points[-1][0])
    above = max(1, bisect.bisect_left(points, x, key=lambda point: point[0]))
    (low, more), (high, less) = points[above - 1], points[above]
    return more + (less - more) * (x - low) / (high - low)


def mean(pair: Pair) -> float:
    """Of the two thresholds, by which pairs are ordered."""
    return (pair[0] + pair[1]) / 2
