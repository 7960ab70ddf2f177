"""How near an image is to the uncached one of the same request."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from statistics import mean
from typing import Any

import flip_evaluator
import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity

from load_tests.errors import LoadTestError

HIGHEST_PSNR = 60.0
"""dB that equal images count with, so that a mean exists."""
Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Fidelity:
    """Means over images: PSNR in dB, SSIM (1 is equal) and FLIP (0 is equal)."""

    psnr: float
    ssim: float
    flip: float


def mean_fidelity(images: Sequence[bytes], references: Sequence[bytes]) -> Fidelity:
    """Image by image against the references in the same order, at least one."""
    each = [compare(pixels(image), pixels(ref)) for image, ref in zip(images, references, strict=True)]
    return Fidelity(mean(one.psnr for one in each), mean(one.ssim for one in each), mean(one.flip for one in each))


def pixels(image: bytes) -> Pixels:
    """(H, W, 3) of an image file."""
    with Image.open(BytesIO(image)) as opened:
        return np.asarray(opened.convert("RGB"))


def compare(image: Pixels, reference: Pixels) -> Fidelity:
    """Of one image. Raises LoadTestError where the sizes differ."""
    if image.shape != reference.shape:
        raise LoadTestError(f"an image is {image.shape[:2]} pixels and its reference {reference.shape[:2]}")
    similarity = float(structural_similarity(image, reference, channel_axis=2))
    return Fidelity(psnr(image, reference), similarity, flip(image, reference))


def psnr(image: Pixels, reference: Pixels) -> float:
    """10 log10(255^2 / MSE), at most 60 dB."""
    mse = float(np.square(image.astype(np.float64) - reference.astype(np.float64)).mean())
    return HIGHEST_PSNR if mse == 0 else min(HIGHEST_PSNR, 10 * math.log10(255**2 / mse))


def flip(image: Pixels, reference: Pixels) -> float:
    """Mean FLIP error of low dynamic range images, at the viewing distance that its authors use."""
    units = [np.ascontiguousarray(each, np.float32) / 255 for each in (reference, image)]
    _, error, _ = flip_evaluator.evaluate(*units, "LDR")
    return float(error)
