"""The last computed step's value times a number that is known for each step: a linear rectification."""

from collections.abc import Sequence
from dataclasses import dataclass

from h2cache.checks import check_numbers
from h2cache.fill import Now, Weight
from h2cache.state import Anchor
from h2cache.tables import nearest


@dataclass(frozen=True, slots=True)
class Scaled:
    """``gains`` has a number a step from a calibration run; without any it is the last value as it is.

    After the rectification of ERTACache (arXiv 2508.21091), whose exact form is not known here.
    """

    gains: tuple[float, ...] = ()
    num_anchors = 1
    needs_signal = False
    steady = None
    calms_first = False

    @property
    def counts_steps(self) -> bool:
        """See Fill."""
        return bool(self.gains)

    def __post_init__(self) -> None:
        check_numbers("gains", self.gains)

    def weights(self, anchors: Sequence[Anchor], now: Now) -> Sequence[Weight]:
        """See Fill."""
        if not self.gains:
            return (1.0,)
        return (self.gains[nearest(now.step_index, now.num_steps, len(self.gains))],)
