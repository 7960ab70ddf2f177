"""Reads a scene off an image: background, number, colour, shape, place and size of what it shows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nano.components import Mask, components
from nano.drawing import coverage
from nano.grammar import CENTER_WITHIN, Scene, Thing
from nano.palette import COLORS, PALETTE
from nano.shapes import SHAPES

Image = npt.NDArray[np.uint8]

SMALL_BELOW = 20.5
"""Radius between small (at most 17) and large (at least 24), pixels at 128 px."""
SMALLEST_AREA = 40.0
"""Smaller specks are not counted as things, square pixels at 128 px."""
LEAST_OVERLAP = 0.75
"""Intersection over union with the drawn figure below which a thing has no shape."""
FAR_FROM_BACKGROUND = 30.0
FAR_FROM_PALETTE = 60.0

_RGB = np.array([PALETTE[color] for color in COLORS], np.float32)


@dataclass(frozen=True)
class Seen:
    """One thing as seen; centroid and radius (half the longer side of its box) in pixels of the image."""

    color: str | None
    shape: str | None
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Reading:
    """What an image shows."""

    background: str | None
    things: tuple[Seen, ...]


@dataclass(frozen=True)
class Verdict:
    """Which parts of a scene an image got right. `size` is None for two things."""

    background: bool
    count: bool
    color: bool
    shape: bool
    place: bool
    size: bool | None

    @property
    def whole(self) -> bool:
        """Everything is right."""
        return all((self.background, self.count, self.color, self.shape, self.place, self.size is not False))


def read(image: Image) -> Reading:
    """Read H W 3, 0-255."""
    scale = min(image.shape[:2]) / 128
    pixels = image.astype(np.float32)
    frame = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(frame, 0)
    far = np.linalg.norm(pixels - ground, axis=-1) > FAR_FROM_BACKGROUND
    parts = components(far, SMALLEST_AREA * scale**2)
    return Reading(_nearest(ground), tuple(_seen(pixels, ground, part) for part in parts))


def _nearest(rgb: npt.NDArray[np.float32]) -> str | None:
    """The palette's colour nearest to `rgb`, None when all are far."""
    distances = np.linalg.norm(_RGB - rgb, axis=-1)
    return COLORS[int(distances.argmin())] if distances.min() < FAR_FROM_PALETTE else None


def _seen(pixels: npt.NDArray[np.float32], ground: npt.NDArray[np.float32], part: Mask) -> Seen:
    """A part's colour is its pixels' median; it reaches to where the colour is half mixed with the ground."""
    color = np.median(pixels[part], 0)
    way = color - ground
    mixed = (pixels - ground) @ way / max(float(way @ way), 1.0)
    inside = part & (mixed > 0.5)
    if not inside.any():
        inside = part
    rows, columns = np.nonzero(inside)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    middle = ((columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2)
    shape = _shape(inside, middle, width / 2, height / 2)
    return Seen(
        _nearest(color),
        shape,
        float(columns.mean()) + 0.5,
        float(rows.mean()) + 0.5,
        float(max(width, height)) / 2,
    )


def _shape(inside: Mask, middle: tuple[float, float], half_width: float, half_height: float) -> str | None:
    """The figure that overlaps best when drawn into the same box."""
    overlaps = {name: _overlap(inside, name, middle, half_width, half_height) for name in SHAPES}
    best = max(overlaps, key=lambda name: overlaps[name])
    return best if overlaps[best] >= LEAST_OVERLAP else None


def _overlap(inside: Mask, name: str, middle: tuple[float, float], half_width: float, half_height: float) -> float:
    """Intersection over union with the figure at the radius that fits the box best."""
    figure = SHAPES[name]
    radius = max(half_width / figure.half_width, half_height / figure.half_height, 1.0)
    thing = Thing("", name, middle[0], middle[1] + figure.centroid_v * radius, radius)
    drawn = np.zeros(inside.shape, bool)
    rows, columns, cover = coverage(thing, *inside.shape)
    drawn[rows, columns] = cover > 0.5
    return float((drawn & inside).sum() / max((drawn | inside).sum(), 1))


def judge(scene: Scene, reading: Reading) -> Verdict:
    """Hold what was seen against what the scene's prompt says."""
    count = len(reading.things) == len(scene.things)
    background = reading.background == scene.background
    if not reading.things or not count:
        return Verdict(background, count, False, False, False, False if len(scene.things) == 1 else None)
    if len(scene.things) == 1:
        return _judge_one(scene, reading.things[0], background)
    first, second = _paired(scene, reading.things)
    wanted = scene.things
    return Verdict(
        background,
        True,
        first.color == wanted[0].color and second.color == wanted[1].color,
        first.shape == wanted[0].shape and second.shape == wanted[1].shape,
        relation(second.x - first.x, second.y - first.y) == scene.where,
        None,
    )


def _judge_one(scene: Scene, seen: Seen, background: bool) -> Verdict:
    thing, scale = scene.things[0], min(scene.width, scene.height) / 128
    at = place((seen.x - scene.width / 2) / scale, (seen.y - scene.height / 2) / scale)
    size = "small" if seen.radius / scale < SMALL_BELOW else "large"
    return Verdict(
        background,
        True,
        seen.color == thing.color,
        seen.shape == thing.shape,
        at == scene.where,
        size == thing.size,
    )


def _paired(scene: Scene, seen: tuple[Seen, ...]) -> tuple[Seen, Seen]:
    """The two seen things in the order of the prompt that gets more of the words right."""

    def right(order: tuple[Seen, Seen]) -> int:
        pairs = zip(order, scene.things, strict=True)
        return sum(2 * (s.shape == t.shape) + (s.color == t.color) for s, t in pairs)

    return max((seen[0], seen[1]), (seen[1], seen[0]), key=right)


def place(x: float, y: float) -> str:
    """The place word of a centroid, from the middle in pixels at 128 px."""
    if max(abs(x), abs(y)) <= CENTER_WITHIN:
        return "center"
    if abs(x) > abs(y):
        return "right" if x > 0 else "left"
    return "bottom" if y > 0 else "top"


def relation(dx: float, dy: float) -> str:
    """Where the first thing is, given the way from it to the second."""
    if abs(dx) > abs(dy):
        return "left of" if dx > 0 else "right of"
    return "above" if dy > 0 else "below"
