"""Where a sample starts: its noise, packed as FLUX.1 packs it, and the places of its tokens."""

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


def draw_noise(seed: int, channels: int, width: int, height: int, dtype: torch.dtype) -> Tensor:
    """(T, 4 * channels): what FluxPipeline draws for one image with a CPU generator of that seed."""
    rows, columns = grid(width, height)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn((1, channels, 2 * rows, 2 * columns), generator=generator, dtype=dtype)
    patches = noise.view(channels, rows, 2, columns, 2).permute(1, 3, 0, 2, 4)
    return patches.reshape(rows * columns, 4 * channels)


def unpack(latents: Tensor, width: int, height: int) -> Tensor:
    """(T, 4 C) -> (1, C, H / 8, W / 8)."""
    rows, columns = grid(width, height)
    channels = latents.shape[1] // 4
    patches = latents.view(rows, columns, channels, 2, 2).permute(2, 0, 3, 1, 4)
    return patches.reshape(1, channels, 2 * rows, 2 * columns)


def image_ids(width: int, height: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(T, 3): zero, row and column of each image token; made on the device, where nobody waits for them."""
    rows, columns = grid(width, height)
    ids = torch.zeros(rows, columns, 3, device=device, dtype=dtype)
    ids[..., 1] = torch.arange(rows, device=device)[:, None]
    ids[..., 2] = torch.arange(columns, device=device)
    return ids.view(-1, 3)
