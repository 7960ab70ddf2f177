"""The velocity of the first step with its image brought down to the size that images have."""

import torch
from torch import Tensor

LEAST_SIGMA = 1e-6


def calmed(velocity: Tensor, latents: Tensor, sigma: Tensor) -> Tensor:
    """(T, C): the velocity that leads from latents at sigma () to g image, g = min(1, 1 / the image's RMS).

    A velocity leads to the image latents - sigma velocity. Latents of images are scaled to about unit size, and
    where a guided model knows nothing yet it foretells an image two or three times as large, in one step only.
    """
    wide = torch.promote_types(velocity.dtype, torch.float32)
    v, s = velocity.to(wide), sigma.float()
    image = latents.to(wide) - s * v
    gain = image.square().mean().rsqrt().clamp(max=1)
    return (v + (1 - gain) * image / s.clamp(min=LEAST_SIGMA)).to(velocity.dtype)
