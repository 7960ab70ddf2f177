"""Summaries of signals, of which distances are taken.

The paper's window is square over tokens x channels (not over the image's grid), its side ``tokens // pool_size``
as in repository Bluear7878/H2-Cache; here it is clamped to at least 1, so that every image size works, and to the
channels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from h2cache.checks import check_count


@dataclass(frozen=True, slots=True)
class Windows:
    """The paper's pooled feature summary (arXiv 2510.27171); has at least ``pool_size`` tokens."""

    pool_size: int

    def __post_init__(self) -> None:
        check_count("pool_size", self.pool_size, low=1)

    def __call__(self, signal: Tensor) -> Tensor:
        """(B, N, C) -> float32 (B, n, c); the signal itself where the window is 1."""
        return summarize(signal, self.pool_size)

    def shape(self, tokens: int, channels: int) -> tuple[int, int]:
        """(n, c)."""
        return summary_shape(tokens, channels, self.pool_size)


@dataclass(frozen=True, slots=True)
class Whole:
    """No summary at all."""

    def __call__(self, signal: Tensor) -> Tensor:
        """(B, N, C) -> float32 (B, N, C)."""
        return signal.float()

    def shape(self, tokens: int, channels: int) -> tuple[int, int]:
        """(N, C)."""
        return tokens, channels


Summary = Windows | Whole


def window(tokens: int, channels: int, pool_size: int) -> tuple[int, int]:
    """The pooling window (and stride) over (tokens, channels)."""
    side = max(1, tokens // pool_size)
    return side, min(side, channels)


def summary_shape(tokens: int, channels: int, pool_size: int) -> tuple[int, int]:
    """The (n, c) of the summary of a residual (N, C): rows and columns that fill no window are left out."""
    along, across = window(tokens, channels, pool_size)
    return tokens // along, channels // across


def difference(after: Tensor, before: Tensor) -> Tensor:
    """after - before in float32 or wider: half precision would round the residual once more."""
    return after.to(torch.promote_types(after.dtype, torch.float32)) - before


def summarize(residual: Tensor, pool_size: int) -> Tensor:
    """Residual (B, N, C) -> float32 summary (B, n, c); the residual itself where the window is 1."""
    size = window(residual.shape[1], residual.shape[2], pool_size)
    if size == (1, 1):
        return residual.float()
    return F.avg_pool2d(residual.float().unsqueeze(1), size).squeeze(1)


def mean_abs(summary: Tensor) -> Tensor:
    """(..., n, c) -> (...): the mean size of a summary's entries."""
    return summary.abs().mean((-2, -1))
