"""Pooled feature summaries of residuals, and how far two of them are apart.

Source: arXiv 2510.27171, pooled feature summarization. The window is square over tokens x channels, of side
``tokens // pool_size``; here it is clamped to at least 1, so that every image size works, and to the channels.
"""

from torch import Tensor
from torch.nn import functional as F


def window(tokens: int, channels: int, pool_size: int) -> tuple[int, int]:
    """The pooling window over (tokens, channels)."""
    side = max(1, tokens // pool_size)
    return side, min(side, channels)


def summarize(residual: Tensor, pool_size: int) -> Tensor:
    """Residual (B, N, C) -> float32 summary (B, N // s, C // s)."""
    size = window(residual.shape[1], residual.shape[2], pool_size)
    if size == (1, 1):
        return residual.float()
    return F.avg_pool2d(residual.float().unsqueeze(1), size).squeeze(1)


def mean_abs(summary: Tensor) -> Tensor:
    """(B, n, c) -> (B,): the mean size of a summary's entries."""
    return summary.abs().mean((1, 2))


def relative_l1(old: Tensor, new: Tensor) -> Tensor:
    """mean|old - new| / mean|old| of each row, (B, n, c) x 2 -> (B,); NaN or infinite where old is all zero."""
    return mean_abs(old - new) / mean_abs(old)
