"""Extrapolation along the last two computed steps, as far as the probe has gone, within bounds: DiCache's DCTA."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from h2cache.checks import check_number
from h2cache.fill import Now, Weight
from h2cache.state import Anchor
from h2cache.summary import mean_abs


@dataclass(frozen=True, slots=True)
class Guarded:
    """R2 + gamma (R1 - R2), gamma = mean|P - P2| / mean|P1 - P2| within 1 and ``most``.

    P is this step's summary, (P1, R1) the newest anchor, (P2, R2) the one before. Gamma 1 is the last residual; it
    is that too with one anchor, and where the anchors' summaries are equal. Gamma stays on the device, nobody
    waits. Source: DiCache, arXiv 2508.17356 (``most`` 1.5).
    """

    most: float = 1.5
    num_anchors = 2
    counts_steps = False
    needs_signal = True
    steady = None
    calms_first = False

    def __post_init__(self) -> None:
        check_number("most", self.most, low=1.0)

    def weights(self, anchors: Sequence[Anchor], now: Now) -> Sequence[Weight]:
        """See Fill."""
        if len(anchors) < 2:
            return (1.0,)
        newest, older = anchors[0].followed, anchors[1].followed
        assert now.followed is not None and newest is not None and older is not None
        gone = mean_abs(now.followed.summary - older.summary)
        gamma = gone / mean_abs(newest.summary - older.summary)
        gamma = torch.nan_to_num(gamma, nan=1.0, posinf=1.0).clamp(1.0, self.most)
        return gamma, 1 - gamma
