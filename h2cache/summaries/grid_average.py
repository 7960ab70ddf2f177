"""Averages over squares of the image's tokens, as they lie in the image."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from h2cache.checks import check_count
from h2cache.summary import View, grid_of


@dataclass(frozen=True, slots=True)
class GridAverage:
    """Squares of ``side`` x ``side`` tokens; at the right and lower edge they are cut.

    Ours: the windows of H2-Cache (arXiv 2510.27171) lie over tokens x channels, these lie in the image.
    """

    side: int = 2
    needs_grid = True

    def __post_init__(self) -> None:
        check_count("side", self.side, low=1)

    def __call__(self, signal: Tensor, view: View) -> Tensor:
        """(B, T, C) -> float32 (B, t, C)."""
        rows, columns = grid_of(signal, view)
        image = signal.float().unflatten(1, (rows, columns)).permute(0, 3, 1, 2)
        averages = F.avg_pool2d(image, self.side, ceil_mode=True)
        return averages.flatten(2).transpose(1, 2)

    def shape(self, tokens: int, channels: int) -> tuple[int, int]:
        """The most that (t, C) can be, whatever the grid's shape: that of a single row of tokens."""
        return -(-tokens // self.side), channels
