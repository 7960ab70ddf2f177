"""Pooled feature summaries of residuals, P(r) in arXiv 2510.27171.

The window is square over tokens x channels (not over the image's grid), its side ``tokens // pool_size`` as in
repository Bluear7878/H2-Cache; here it is clamped to at least 1, so that every image size works, and to the
channels.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


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
