"""Taylor expansion in the step index by divided differences of the computed steps: TaylorSeer."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

from h2cache.checks import check_count
from h2cache.errors import H2CacheError
from h2cache.fill import Now, Weight
from h2cache.state import Anchor


@dataclass(frozen=True, slots=True)
class Taylor:
    """sum_i D_i k^i / i!, k steps after the newest anchor; D_i is the difference of D_(i-1) over the gap.

    As repository Shenyi-Z/TaylorSeer (arXiv 2503.06923) and diffusers have it: D_2 is divided by the newest gap,
    not by the mean of the two. Fewer anchors give a lower order; those before step ``since`` are left out.
    """

    order: int = 1
    since: int = 0
    counts_steps = False
    needs_signal = False
    steady = None
    calms_first = False

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise H2CacheError(f"order is {self.order!r}, allowed are 1 and 2")
        check_count("since", self.since)

    @property
    def num_anchors(self) -> int:
        """See Fill."""
        return self.order + 1

    def weights(self, anchors: Sequence[Anchor], now: Now) -> Sequence[Weight]:
        """See Fill."""
        steps = steps_from(anchors, self.since)
        ahead = now.step_index - steps[0]
        return expanded(steps, [ahead**order / factorial(order) for order in range(len(steps))])


def steps_from(anchors: Sequence[Anchor], since: int) -> list[int]:
    """The anchors' steps from ``since`` on, the newest first; the newest in any case."""
    newest, *older = [anchor.step_index for anchor in anchors]
    return [newest, *(step for step in older if step >= since)]


def expanded(steps: Sequence[int], factors: Sequence[float]) -> list[float]:
    """sum_i factor_i D_i as weights on the values at some steps, the newest first."""
    terms = [differences(steps, order) for order in range(len(steps))]
    return [
        sum(factor * term[place] for factor, term in zip(factors, terms, strict=True))
        for place in range(len(steps))
    ]


def differences(steps: Sequence[int], order: int) -> list[float]:
    """The ``order``-th divided difference at the newest of some steps, as weights on the values there."""
    if order == 0:
        return [1.0] + [0.0] * (len(steps) - 1)
    gap = steps[0] - steps[1]
    newer = differences(steps, order - 1)
    older = [0.0, *differences(steps[1:], order - 1)]
    return [(a - b) / gap for a, b in zip(newer, older, strict=True)]
