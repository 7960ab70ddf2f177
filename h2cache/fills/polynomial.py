"""The polynomial through the last computed steps, read off at the step to be filled."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from h2cache.errors import H2CacheError
from h2cache.fill import Now, Weight
from h2cache.state import Anchor

HIGHEST_ORDER = 4


@dataclass(frozen=True, slots=True)
class Polynomial:
    """Lagrange's weights in the step index: the predictor of a multistep ODE solver with steps of any length.

    Source: Adams methods with variable steps (Hairer, Norsett, Wanner, Solving ODEs I, III.5), here for a sampler
    that holds the velocity during a step.

    ``calms_first``: see Fill. Ours; that a guided model's velocity at pure noise misleads is from CFG-Zero* (arXiv
    2503.18886), which leaves it out.
    """

    order: int = 2
    calms_first: bool = False
    counts_steps = False
    needs_signal = False
    steady = None

    def __post_init__(self) -> None:
        if not isinstance(self.order, int) or not 0 <= self.order <= HIGHEST_ORDER:
            raise H2CacheError(f"order is {self.order!r}, allowed are whole numbers from 0 to {HIGHEST_ORDER}")

    @property
    def num_anchors(self) -> int:
        """See Fill."""
        return self.order + 1

    def weights(self, anchors: Sequence[Anchor], now: Now) -> Sequence[Weight]:
        """See Fill."""
        return lagrange([anchor.step_index for anchor in anchors], now.step_index)


def lagrange(steps: Sequence[int], at: int) -> list[float]:
    """Weights on the values at some steps, for the value ``at`` another of the polynomial through them."""
    return [prod((at - other) / (one - other) for other in steps if other != one) for one in steps]
