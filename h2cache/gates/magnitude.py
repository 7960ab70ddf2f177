"""Reuse while the residual's size, as a calibration run has told it, has not drifted: MagCache."""

from dataclasses import dataclass

from h2cache.checks import check_count, check_number, check_numbers
from h2cache.errors import H2CacheError
from h2cache.gate import COMPUTE, Decision, Moment
from h2cache.tables import nearest

FLUX1_RATIOS = (
    *(1.0, 1.21094, 1.11719, 1.07812, 1.0625, 1.03906, 1.03125, 1.03906, 1.02344, 1.03125, 1.02344, 0.98047),
    *(1.01562, 1.00781, 1.0, 1.00781, 1.0, 1.00781, 1.0, 1.0, 0.99609, 0.99609, 0.98047, 0.98828, 0.96484),
    *(0.95703, 0.93359, 0.89062),
)
"""The authors' for FLUX.1-dev at 28 steps (repository Zehong-Ma/MagCache): |residual| over the step before's."""


@dataclass(frozen=True, slots=True)
class Magnitude:
    """MagCache (arXiv 2506.09045): |1 - product of ratios|, added up since the last computed step, stays within.

    ``ratios`` are stretched to the number of steps by the nearest one. Nothing is measured, nobody waits. The
    first ``warmup_share`` of the steps computes, to the nearest whole step as the authors count; guards round
    down.
    """

    threshold: float = 0.24
    max_skips: int = 5
    ratios: tuple[float, ...] = FLUX1_RATIOS
    warmup_share: float = 0.1
    measures = None
    counts_steps = True

    def __post_init__(self) -> None:
        check_number("threshold", self.threshold)
        check_count("max_skips", self.max_skips)
        check_numbers("ratios", self.ratios, low=0.0)
        check_number("warmup_share", self.warmup_share)
        if not self.ratios:
            raise H2CacheError("ratios is empty, allowed is one ratio or more")

    def decide(self, now: Moment) -> Decision:
        """See Gate."""
        if now.step_index < int(self.warmup_share * now.num_steps + 0.5):
            return COMPUTE
        product, error = now.memory or (1.0, 0.0)
        product *= self.ratios[nearest(now.step_index, now.num_steps, len(self.ratios))]
        error += abs(1 - product)
        return Decision(error <= self.threshold and now.since < self.max_skips, (product, error))
