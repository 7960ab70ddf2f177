"""Scenes to pixels: flat figures, edges antialiased by supersampling."""

import numpy as np
import numpy.typing as npt

from nano.grammar import Scene, Thing
from nano.palette import PALETTE
from nano.shapes import SHAPES

SUPERSAMPLING = 4


def draw(scene: Scene) -> npt.NDArray[np.uint8]:
    """The scene as an image, H W 3, 0-255."""
    image = np.empty((scene.height, scene.width, 3), np.float32)
    image[:] = PALETTE[scene.background]
    for thing in scene.things:
        rows, columns, cover = coverage(thing, scene.height, scene.width)
        patch = image[rows, columns]
        patch += cover[..., None] * (np.array(PALETTE[thing.color], np.float32) - patch)
    return np.rint(image).astype(np.uint8)


def coverage(thing: Thing, height: int, width: int) -> tuple[slice, slice, npt.NDArray[np.float32]]:
    """Rows and columns of the thing's bounding box in the image, and the covered share of each pixel."""
    figure = SHAPES[thing.shape]
    middle_y = thing.y - figure.centroid_v * thing.radius
    top = max(int(np.floor(middle_y - thing.radius)), 0)
    bottom = min(int(np.ceil(middle_y + thing.radius)), height)
    left = max(int(np.floor(thing.x - thing.radius)), 0)
    right = min(int(np.ceil(thing.x + thing.radius)), width)
    v = (_samples(top, bottom) - middle_y) / thing.radius
    u = (_samples(left, right) - thing.x) / thing.radius
    inside = figure.inside(u[None, :].astype(np.float32), v[:, None].astype(np.float32))
    s = SUPERSAMPLING
    rows = inside.view(np.uint8).reshape(bottom - top, s, -1).sum(1, dtype=np.uint8)
    cover = np.float32(1 / s**2) * sum(rows[:, i::s] for i in range(s))
    return slice(top, bottom), slice(left, right), cover


def _samples(start: int, stop: int) -> npt.NDArray[np.float64]:
    """Positions of the sample points of the pixels start..stop along one axis."""
    return start + (np.arange((stop - start) * SUPERSAMPLING) + 0.5) / SUPERSAMPLING
