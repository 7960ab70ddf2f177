"""Contact sheets: the same prompts under every method, and below each image what differs from the uncached one."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont

from h2cache.arena.kept import SHOWN_PROMPTS, kept_image
from h2cache.arena.ranking import Point
from h2cache.arena.setting import OFF

CELL, CAPTION, GAIN = 144, 34, 4
SHOWN_AT = 0.3
"""Of each method's settings the one whose FLOPs are nearest to this share is shown."""


def nearest(points: Sequence[Point], steps: int) -> list[Point]:
    """The uncached run, then one setting of each method."""
    of_steps = [point for point in points if point.steps == steps]
    methods = dict.fromkeys(point.method for point in of_steps if point.method != OFF)
    chosen = [
        min((p for p in of_steps if p.method == method), key=lambda p: abs(p.flops_ratio - SHOWN_AT))
        for method in methods
    ]
    return [*(point for point in of_steps if point.method == OFF), *chosen]


def sheet(out: Path, points: Sequence[Point], steps: int) -> bytes:
    """A column a method that has its images, two rows a prompt; differences are four times what they are."""
    off, *others = nearest(points, steps)
    prompts = [i for i in range(SHOWN_PROMPTS) if _path(out, off, i).exists()]
    shown = [off, *(point for point in others if all(_path(out, point, i).exists() for i in prompts))]
    page = Pil.new("RGB", (CELL * len(shown), CAPTION + 2 * CELL * len(prompts)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    for column, point in enumerate(shown):
        pen.multiline_text((column * CELL + 4, 3), f"{point.method}\n{point.flops_ratio:.2f}", "black", font)
        for row, prompt in enumerate(prompts):
            image, reference = _read(_path(out, point, prompt)), _read(_path(out, off, prompt))
            difference = np.clip(np.abs(image.astype(int) - reference.astype(int)) * GAIN, 0, 255).astype(np.uint8)
            for place, pixels in enumerate((image, difference)):
                tile = Pil.fromarray(pixels).resize((CELL - 4, CELL - 4))
                page.paste(tile, (column * CELL + 2, CAPTION + (2 * row + place) * CELL + 2))
    buffer = BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


def _path(out: Path, point: Point, prompt: int) -> Path:
    return kept_image(out, point.method, point.setting, point.steps, prompt)


def _read(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Pil.open(path) as image:
        return np.asarray(image.convert("RGB"))
