"""Quantiles of durations within 1 %, in bounded memory, and such that two can be added.

Counts by logarithmic buckets, the sketch of Masson, Rim and Lee, "DDSketch", VLDB 2019, section 2.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

ACCURACY = 0.01
GROWTH = (1 + ACCURACY) / (1 - ACCURACY)
SHORTEST_S, LONGEST_S = 1e-3, 1e5
"""What lies outside counts as the bound; there are 922 buckets between them."""


@dataclass
class Durations:
    """How many durations fell into each bucket; bucket k ends at ``GROWTH`` ** k seconds."""

    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        """Count one."""
        self.buckets[bucket_of(seconds)] += 1

    def merge(self, other: "Durations") -> None:
        """Count all of the other's."""
        self.buckets.update(other.buckets)

    def quantile(self, share: float) -> float | None:
        """The duration that ``share`` of all do not exceed, within 1 %; None when there are none."""
        total = self.buckets.total()
        rank = max(1, math.ceil(share * total))
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return 2 * GROWTH**bucket / (GROWTH + 1)
        return None


def bucket_of(seconds: float) -> int:
    """The bucket that ends at or above the duration."""
    return math.ceil(math.log(min(max(seconds, SHORTEST_S), LONGEST_S)) / math.log(GROWTH))
