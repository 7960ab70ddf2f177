"""The image's tokens: how many, and where they lie."""

import math

import torch
from torch import Tensor

PIXELS_A_TOKEN = 16
"""8x by the VAE, 2x by the packing."""


def grid(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of image tokens of a size in pixels."""
    return height // PIXELS_A_TOKEN, width // PIXELS_A_TOKEN


def num_tokens(width: int, height: int) -> int:
    """Image tokens of a size in pixels."""
    return math.prod(grid(width, height))


def positions(width: int, height: int, axes: int, device: torch.device) -> Tensor:
    """(T, ``axes``): row and column on the second and third axis, else zero."""
    rows, columns = grid(width, height)
    ids = torch.zeros(rows, columns, axes, device=device)
    ids[..., 1] = torch.arange(rows, device=device)[:, None]
    ids[..., 2] = torch.arange(columns, device=device)
    return ids.view(-1, axes)
