"""Input images for tests, as an order has them: PNG files."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

Box = tuple[int, int, int, int]


def picture(width: int = 64, height: int = 64, seed: int = 0) -> Image.Image:
    """A smooth picture with something in it, another one for each seed."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def hole(box: Box, width: int = 64, height: int = 64) -> Image.Image:
    """A mask that redraws a box: left, top, right, bottom in pixels, the last ones not among them."""
    mask = Image.new("L", (width, height), 0)
    left, top, right, bottom = box
    ImageDraw.Draw(mask).rectangle((left, top, right - 1, bottom - 1), fill=255)
    return mask


def png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
