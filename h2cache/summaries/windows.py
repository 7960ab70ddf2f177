"""The pooled feature summary of H2-Cache, P(r) in arXiv 2510.27171.

The window is square over tokens x channels (not over the image's grid), its side ``tokens // pool_size`` as in
repository Bluear7878/H2-Cache; here it is clamped to at least 1, so that every image size works, and to the
channels.
"""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from h2cache.checks import check_count
from h2cache.summary import View


@dataclass(frozen=True, slots=True)
class Windows:
    """Averages over windows so large that at least ``pool_size`` of them cover the tokens."""

    pool_size: int
    needs_grid = False

    def __post_init__(self) -> None:
        check_count("pool_size", self.pool_size, low=1)

    def __call__(self, signal: Tensor, view: View) -> Tensor:
        """(B, N, C) -> float32 (B, n, c)."""
        return summarize(signal, self.pool_size)

    def shape(self, tokens: int, channels: int) -> tuple[int, int]:
        """(n, c)."""
        return summary_shape(tokens, channels, self.pool_size)


def window(tokens: int, channels: int, pool_size: int) -> tuple[int, int]:
    """The pooling window (and stride) over (tokens, channels)."""
    side = max(1, tokens // pool_size)
    return side, min(side, channels)


def summary_shape(tokens: int, channels: int, pool_size: int) -> tuple[int, int]:
    """The (n, c) of the summary of a residual (N, C): rows and columns that fill no window are left out."""
    along, across = window(tokens, channels, pool_size)
    return tokens // along, channels // across


def summarize(residual: Tensor, pool_size: int) -> Tensor:
    """Residual (B, N, C) -> float32 summary (B, n, c); the residual itself where the window is 1."""
    size = window(residual.shape[1], residual.shape[2], pool_size)
    if size == (1, 1):
        return residual.float()
    return F.avg_pool2d(residual.float().unsqueeze(1), size).squeeze(1)
