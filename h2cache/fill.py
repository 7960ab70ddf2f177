"""What a fill is: weights on what the last computed steps gave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from h2cache.state import Anchor, Reference

if TYPE_CHECKING:
    from h2cache.fills.low_band import LowBand

Weight = float | Tensor
"""A number, or a scalar on the device where the host does not know it."""


@dataclass(frozen=True, slots=True)
class Now:
    """The step to be filled, of ``num_steps``.

    ``followed`` is what was measured in it for the fill, None where nothing was.
    """

    step_index: int
    num_steps: int
    followed: Reference | None


class Fill(Protocol):
    """Puts in a weighted sum of the anchors' residuals (or outputs)."""

    @property
    def num_anchors(self) -> int:
        """Computed steps that are remembered."""
        ...

    @property
    def counts_steps(self) -> bool:
        """True where the weights depend on how many steps there will be."""
        ...

    @property
    def needs_signal(self) -> bool:
        """True where the weights depend on the anchors' and this step's summaries."""
        ...

    @property
    def steady(self) -> "LowBand | None":
        """The part of the image stream that keeps its newest value; None where the weights are for all of it."""
        ...

    @property
    def calms_first(self) -> bool:
        """True where the first computed velocity is remembered ``calmed``, and no line goes through it."""
        ...

    def weights(self, anchors: Sequence[Anchor], now: Now) -> Sequence[Weight]:
        """One weight for each anchor, the newest first; there is at least one anchor."""
        ...


def combine(parts: Sequence[Tensor], weights: Sequence[Weight]) -> Tensor:
    """The weighted sum; a lone weight of 1 costs nothing."""
    (first, *others) = zip(parts, weights, strict=False)
    total = first[0] if isinstance(first[1], float) and first[1] == 1.0 else first[0] * first[1]
    for part, weight in others:
        total = total + part * weight
    return total
