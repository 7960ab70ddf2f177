"""Taylor expansion in the step index by divided differences of the computed steps: TaylorSeer."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

from h2cache.errors import H2CacheError
from h2cache.fill import Now, Weight
from h2cache.state import Anchor


@dataclass(frozen=True, slots=True)
class Taylor:
    """sum_i D_i k^i / i!, k steps after the newest anchor; D_i is the difference of D_(i-1) over the gap.

    As repository Shenyi-Z/TaylorSeer (arXiv 2503.06923) and diffusers have it: D_2 is divided by the newest gap,
    not by the mean of the two. Fewer anchors give a lower order.
    """

    order: int = 1
    needs_signal = False

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise H2CacheError(f"order is {self.order!r}, allowed are 1 and 2")

    @property
    def num_anchors(self) -> int:
        """See Fill."""
        return self.order + 1

    def weights(self, anchors: Sequence[Anchor], now: Now) -> Sequence[Weight]:
        """See Fill."""
        steps = [anchor.step_index for anchor in anchors]
        ahead = now.step_index - steps[0]
        terms = [differences(steps, order) for order in range(len(steps))]
        return [
            sum(term[place] * ahead**order / factorial(order) for order, term in enumerate(terms))
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
