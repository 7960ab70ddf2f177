"""The average over a step instead of its beginning, along the last two computed steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from h2cache.fill import Now, Weight
from h2cache.fills.taylor import expanded
from h2cache.state import Anchor


@dataclass(frozen=True, slots=True)
class Average:
    """D_0 + D_1 (k + 1/2), k steps after the newest anchor: where the middle of the step lies.

    Of velocities, the reused steps of a gap then add up to its length times the average velocity over it, where
    each would take the velocity at its own beginning. After MeanCache (repository UnicomAI/MeanCache), whose slope
    is a Jacobian-vector product; here it is the difference of the last two computed steps.
    """

    num_anchors = 2
    counts_steps = False
    needs_signal = False
    steady = None
    calms_first = False

    def weights(self, anchors: Sequence[Anchor], now: Now) -> Sequence[Weight]:
        """See Fill."""
        steps = [anchor.step_index for anchor in anchors]
        ahead = now.step_index - steps[0]
        return expanded(steps, [1.0, ahead + 0.5][: len(steps)])
