"""The last computed step's residual as it is: H2-Cache, first-block caching, TeaCache, MagCache."""

from collections.abc import Sequence
from dataclasses import dataclass

from h2cache.fill import Now, Weight
from h2cache.state import Anchor


@dataclass(frozen=True, slots=True)
class Last:
    """Order zero."""

    num_anchors = 1
    counts_steps = False
    needs_signal = False
    steady = None
    calms_first = False

    def weights(self, anchors: Sequence[Anchor], now: Now) -> Sequence[Weight]:
        """See Fill."""
        return (1.0,)
