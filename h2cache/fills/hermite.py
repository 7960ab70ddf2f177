"""Taylor expansion with damped terms, Hermite polynomials for powers: HiCache; by bands: FreqCa."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

from h2cache.checks import check_count, check_number
from h2cache.errors import H2CacheError
from h2cache.fill import Now, Weight
from h2cache.fills.low_band import LowBand
from h2cache.fills.taylor import expanded, steps_from
from h2cache.state import Anchor


@dataclass(frozen=True, slots=True)
class Hermite:
    """sum_i D_i H_i(scale k) scale^i / i!, k steps after the newest anchor; D_i as in ``Taylor``.

    H_i are the physicists' polynomials: H_1(x) = 2 x, H_2(x) = 4 x^2 - 2. Source: HiCache, arXiv 2508.16984
    (``scale`` 0.5 for FLUX.1-dev). With ``cutoff`` the low band of the image keeps its newest value, as in FreqCa.
    """

    order: int = 2
    scale: float = 0.5
    since: int = 0
    cutoff: float | None = None
    counts_steps = False
    needs_signal = False
    calms_first = False

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise H2CacheError(f"order is {self.order!r}, allowed are 1 and 2")
        check_number("scale", self.scale)
        check_count("since", self.since)
        if self.cutoff is not None:
            check_number("cutoff", self.cutoff)

    @property
    def num_anchors(self) -> int:
        """See Fill."""
        return self.order + 1

    @property
    def steady(self) -> LowBand | None:
        """See Fill."""
        return None if self.cutoff is None else LowBand(self.cutoff)

    def weights(self, anchors: Sequence[Anchor], now: Now) -> Sequence[Weight]:
        """See Fill."""
        steps = steps_from(anchors, self.since)
        x = self.scale * (now.step_index - steps[0])
        polynomials = (1.0, 2 * x, 4 * x**2 - 2)
        factors = [polynomials[order] * self.scale**order / factorial(order) for order in range(len(steps))]
        return expanded(steps, factors)
