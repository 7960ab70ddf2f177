"""How near one image is to another."""

import math
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

Values = npt.NDArray[np.float64]
WINDOW = 7
"""Pixels of a side, as scikit-image has it where nothing is said."""
STABLE_MEANS, STABLE_VARIANCES = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(first: bytes, second: bytes) -> float:
    """Peak signal-to-noise ratio of two image files of one size in dB, infinite where they are equal."""
    mse = float(np.square(pixels(first) - pixels(second)).mean())
    return math.inf if mse == 0 else 10 * math.log10(255**2 / mse)


def ssim(first: bytes, second: bytes) -> float:
    """Structural similarity of two image files of one size, 1 where they are equal.

    Wang et al. 2004, equation 13: sample covariances over square windows that lie within the image, the mean over
    windows and channels.
    """
    a, b = pixels(first), pixels(second)
    mean_a, mean_b = window_means(a), window_means(b)
    unbiased = WINDOW**2 / (WINDOW**2 - 1)
    variances = unbiased * (window_means(a * a) - mean_a**2 + window_means(b * b) - mean_b**2)
    covariance = unbiased * (window_means(a * b) - mean_a * mean_b)
    means_alike = (2 * mean_a * mean_b + STABLE_MEANS) / (mean_a**2 + mean_b**2 + STABLE_MEANS)
    return float((means_alike * (2 * covariance + STABLE_VARIANCES) / (variances + STABLE_VARIANCES)).mean())


def pixels(content: bytes) -> Values:
    """(H, W, 3) of an image file, from 0 to 255."""
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64)


def window_means(values: Values) -> Values:
    """(H, W, 3) to (H - 6, W - 6, 3): differences of running sums, so that a window's size costs nothing."""
    sums = np.pad(values, ((1, 0), (1, 0), (0, 0))).cumsum(axis=0).cumsum(axis=1)
    of_windows = (
        sums[WINDOW:, WINDOW:] - sums[:-WINDOW, WINDOW:] - sums[WINDOW:, :-WINDOW] + sums[:-WINDOW, :-WINDOW]
    )
    means: Values = of_windows / WINDOW**2
    return means
