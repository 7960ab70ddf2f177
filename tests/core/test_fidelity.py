"""PSNR and SSIM are scikit-image's, on pictures of every likeness."""

import math
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from server.fidelity import Values, pixels, psnr, ssim


def file_of(values: Values) -> bytes:
    buffer = BytesIO()
    Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("noise", [0.5, 4.0, 40.0, 400.0])
@pytest.mark.parametrize(("height", "width"), [(7, 7), (64, 97), (192, 128)])
def test_the_figures_are_those_of_scikit_image(height: int, width: int, noise: float) -> None:
    draw = np.random.default_rng(height)
    slope = np.linspace(0, 255, height * width * 3).reshape(height, width, 3)
    first, second = file_of(slope), file_of(slope + draw.normal(0, noise, slope.shape) + 1)
    a, b = (pixels(content).astype(np.uint8) for content in (first, second))
    assert psnr(first, second) == pytest.approx(peak_signal_noise_ratio(a, b), abs=1e-9)
    assert ssim(first, second) == pytest.approx(structural_similarity(a, b, channel_axis=2), abs=1e-9)


def test_an_image_equals_itself() -> None:
    same = file_of(np.random.default_rng(1).uniform(0, 255, (32, 48, 3)))
    assert psnr(same, same) == math.inf
    assert ssim(same, same) == pytest.approx(1)
