"""Reuse while the distance to the last computed step is below a threshold: first-block caching, H2-Cache."""

import struct
from dataclasses import dataclass

from h2cache.checks import check_flag, check_number
from h2cache.gate import COMPUTE, Decision, Moment, Norm


@dataclass(frozen=True, slots=True)
class Below:
    """Strictly below, as ParaAttention and H2-Cache (arXiv 2510.27171) have it: a threshold of 0 never reuses.

    With ``at`` also where the distance is the threshold, as diffusers' first-block cache does.
    """

    threshold: float
    at: bool = False
    measures = Norm.RELATIVE_L1
    counts_steps = False

    def __post_init__(self) -> None:
        check_number("threshold", self.threshold)
        check_flag("at", self.at)

    def decide(self, now: Moment) -> Decision:
        """See Gate."""
        if now.distance is None:
            return COMPUTE
        threshold = as_float32(self.threshold)
        return Decision(now.distance < threshold or (self.at and now.distance == threshold))


def as_float32(number: float) -> float:
    """Distances are float32: a threshold between two such numbers would turn equality into less."""
    limited = max(min(number, LARGEST), -LARGEST)
    (rounded,) = struct.unpack("f", struct.pack("f", limited))
    return float(rounded)


LARGEST = 3.4028234e38
"""Of float32."""
