"""The polynomial through the last computed steps, read off at the step to be filled."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from h2cache.checks import check_number
from h2cache.errors import H2CacheError
from h2cache.fill import Now, Weight
from h2cache.state import Anchor

HIGHEST_ORDER = 4


@dataclass(frozen=True, slots=True)
class Polynomial:
    """Lagrange's weights in the step index: the predictor of a multistep ODE solver with steps of any length.

    On velocities, ``hindsight`` adds a corrector: when a step is computed, the steps that were filled before it
    are known better, and this share of what they have gone astray is made good in the same step
    (``hindsight_weight``), in steps whose noise level is at most ``hindsight_below``: near pure noise a wide miss
    says little of the steps before it. Source: Adams methods with variable steps (Hairer, Norsett, Wanner, Solving
    ODEs I, III.5), here for a sampler that holds the velocity during a step.

    ``calms_first``: see Fill. Ours; that a guided model's velocity at pure noise misleads is from CFG-Zero* (arXiv
    2503.18886), which leaves it out.
    """

    order: int = 2
    hindsight: float = 0.0
    hindsight_below: float = 1.0
    calms_first: bool = False
    counts_steps = False
    needs_signal = False
    steady = None

    def __post_init__(self) -> None:
        if not isinstance(self.order, int) or not 0 <= self.order <= HIGHEST_ORDER:
            raise H2CacheError(f"order is {self.order!r}, allowed are whole numbers from 0 to {HIGHEST_ORDER}")
        check_number("hindsight", self.hindsight)
        check_number("hindsight_below", self.hindsight_below)

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


def hindsight_weight(steps: Sequence[int], now: int) -> float:
    """What the filled steps between ``steps[0]`` and ``now`` have gone astray, per miss at ``now``.

    The polynomial that also goes through ``now`` differs from the one that has filled them by the miss (computed
    less filled at ``now``) times prod_i (j - s_i) / (now - s_i) at step j: Newton's next term. The sum over the j
    is in steps of the sampler, which are taken to be of one length; on FLUX's schedules neighbours differ by a few
    per cent.
    """
    return sum(prod((j - step) / (now - step) for step in steps) for j in range(steps[0] + 1, now))
