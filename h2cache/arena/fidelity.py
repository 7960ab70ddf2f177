"""How near an image is to the one that the uncached model makes of the same seed."""

import math
from dataclasses import dataclass

import flip_evaluator
import numpy as np
from skimage.metrics import structural_similarity
from torch import Tensor

from h2cache.arena.studio import Image


@dataclass(frozen=True)
class Fidelity:
    """PSNR in dB (infinite for equal images), SSIM and FLIP (0 is equal) of images, relative L1 of latents."""

    psnr: float
    ssim: float
    flip: float
    latent_rel_l1: float


def compare(image: Image, uncached: Image, latents: Tensor, uncached_latents: Tensor) -> Fidelity:
    """Of one image."""
    return Fidelity(
        psnr(image, uncached),
        float(structural_similarity(image, uncached, channel_axis=2)),
        flip(image, uncached),
        relative_l1(latents, uncached_latents),
    )


def psnr(image: Image, reference: Image) -> float:
    """10 log10(255^2 / MSE)."""
    mse = float(np.square(image.astype(np.float64) - reference.astype(np.float64)).mean())
    return math.inf if mse == 0 else 10 * math.log10(255**2 / mse)


def flip(image: Image, reference: Image) -> float:
    """Mean FLIP error of low dynamic range images, at the viewing distance that its authors use."""
    units = (np.ascontiguousarray(each, np.float32) / 255 for each in (reference, image))
    _, mean, _ = flip_evaluator.evaluate(*units, "LDR")
    return float(mean)


def relative_l1(latents: Tensor, reference: Tensor) -> float:
    """mean|a - b| / mean|b|."""
    return float((latents.float() - reference.float()).abs().mean() / reference.float().abs().mean())
