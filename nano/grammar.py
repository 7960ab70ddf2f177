"""The prompts and the scenes they describe: words to geometry, drawn by a seed."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from nano.palette import COLORS
from nano.shapes import SHAPES

SIZES: dict[str, tuple[float, float]] = {"small": (12, 17), "large": (24, 32)}
"""Size word -> radius range, pixels at 128 px."""
PAIR_RADIUS = (14.0, 25.0)
PLACES = ("left", "right", "top", "bottom", "center")
RELATIONS = ("above", "below", "left of", "right of")
CENTER_WITHIN = 14.0
"""A centroid at most this far from the middle on both axes is at the center, pixels at 128 px."""

Split = Literal["train", "check"]
_STREAM: dict[Split, int] = {"train": 1, "check": 2}

BORDER = 4.0
GAP = 6.0
_CENTER_DRAWN = 10.0
_OUT_AT_LEAST = 20.0
_PLACE_MARGIN = 8.0
_RELATION_MARGIN = 12.0


@dataclass(frozen=True)
class Thing:
    """One object: words, centroid and radius in pixels of the image. `size` is None in a pair."""

    color: str
    shape: str
    x: float
    y: float
    radius: float
    size: str | None = None


@dataclass(frozen=True)
class Scene:
    """An image's content: one thing at a place, or two things in a relation (first to second)."""

    width: int
    height: int
    background: str
    things: tuple[Thing, ...]
    where: str

    @property
    def prompt(self) -> str:
        """The sentence of the grammar that describes the scene."""
        first = self.things[0]
        if len(self.things) == 1:
            what = f"{first.size} {first.color} {first.shape} at the {self.where}"
        else:
            second = self.things[1]
            named = with_article(f"{second.color} {second.shape}")
            what = f"{first.color} {first.shape} {self.where} {named}"
        return f"{with_article(what)} on {with_article(self.background)} background"


def with_article(words: str) -> str:
    """`words` with "a" or "an" before them."""
    return ("an " if words[0] in "aeiou" else "a ") + words


def split_rng(split: Split, seed: int) -> np.random.Generator:
    """The random stream of a seed; the streams of the two splits have nothing in common."""
    return np.random.default_rng(np.random.SeedSequence([_STREAM[split], seed]))


def draw_scene(rng: np.random.Generator, width: int = 128, height: int = 128, pair_share: float = 0.5) -> Scene:
    """A random scene of a size in pixels; lengths scale with the shorter side over 128."""
    scale = min(width, height) / 128
    half_w, half_h = width / 2 / scale, height / 2 / scale
    background, *colors = _draw_colors(rng)
    if rng.random() < pair_share:
        things, where = _draw_pair(rng, colors, half_w, half_h)
    else:
        things, where = _draw_single(rng, colors[0], half_w, half_h)
    placed = tuple(
        Thing(t.color, t.shape, (t.x + half_w) * scale, (t.y + half_h) * scale, t.radius * scale, t.size)
        for t in things
    )
    return Scene(width, height, background, placed, where)


def _draw_colors(rng: np.random.Generator) -> list[str]:
    """Background and two object colours; the objects may share one, never the background's."""
    background = int(rng.integers(len(COLORS)))
    others = [c for i, c in enumerate(COLORS) if i != background]
    return [COLORS[background], others[rng.integers(len(others))], others[rng.integers(len(others))]]


def _draw_radius(rng: np.random.Generator, shape: str, limits: tuple[float, float]) -> float:
    """A radius that is within the limits both as drawn and as half the bounding box (the square's)."""
    figure = SHAPES[shape]
    return float(rng.uniform(limits[0] / max(figure.half_width, figure.half_height), limits[1]))


def _reach(shape: str, radius: float) -> tuple[float, float, float, float]:
    """Distances from the centroid to the bounding box: left, right, up, down."""
    figure = SHAPES[shape]
    side = figure.half_width * radius
    up = (figure.half_height + figure.centroid_v) * radius
    return side, side, up, (figure.half_height - figure.centroid_v) * radius


def _draw_single(rng: np.random.Generator, color: str, half_w: float, half_h: float) -> tuple[list[Thing], str]:
    shape = tuple(SHAPES)[rng.integers(len(SHAPES))]
    size = tuple(SIZES)[rng.integers(len(SIZES))]
    place = PLACES[rng.integers(len(PLACES))]
    radius = _draw_radius(rng, shape, SIZES[size])
    left, right, up, down = _reach(shape, radius)
    low = np.array([left - half_w, up - half_h]) + BORDER
    high = np.array([half_w - right, half_h - down]) - BORDER
    if place == "center":
        x, y = rng.uniform(np.maximum(low, -_CENTER_DRAWN), np.minimum(high, _CENTER_DRAWN))
        return [Thing(color, shape, float(x), float(y), radius, size)], place
    axis = 0 if place in ("left", "right") else 1
    sign = 1 if place in ("right", "bottom") else -1
    furthest = high[axis] if sign > 0 else -low[axis]
    out = rng.uniform(_OUT_AT_LEAST, furthest)
    aside = out - _PLACE_MARGIN
    other = rng.uniform(max(low[1 - axis], -aside), min(high[1 - axis], aside))
    x, y = (sign * out, other) if axis == 0 else (other, sign * out)
    return [Thing(color, shape, float(x), float(y), radius, size)], place


def _draw_pair(
    rng: np.random.Generator, colors: list[str], half_w: float, half_h: float
) -> tuple[list[Thing], str]:
    shapes = [tuple(SHAPES)[i] for i in rng.choice(len(SHAPES), 2, replace=False)]
    radii = [_draw_radius(rng, shape, PAIR_RADIUS) for shape in shapes]
    where = RELATIONS[rng.integers(len(RELATIONS))]
    axis = 0 if where in ("left of", "right of") else 1
    order = (0, 1) if where in ("above", "left of") else (1, 0)
    near, far = order
    reach = [_reach(shape, radius) for shape, radius in zip(shapes, radii, strict=True)]
    low = [np.array([r[0] - half_w, r[2] - half_h]) + BORDER for r in reach]
    high = [np.array([half_w - r[1], half_h - r[3]]) - BORDER for r in reach]
    apart_at_least = reach[near][2 * axis + 1] + reach[far][2 * axis] + GAP
    apart = _draw_apart(rng, apart_at_least, float(high[far][axis] - low[near][axis]))
    along_near = rng.uniform(low[near][axis], high[far][axis] - apart)
    along = {near: along_near, far: along_near + apart}
    aside = apart - _RELATION_MARGIN
    across_near = rng.uniform(low[near][1 - axis], high[near][1 - axis])
    across_far = rng.uniform(
        max(low[far][1 - axis], across_near - aside), min(high[far][1 - axis], across_near + aside)
    )
    across = {near: across_near, far: across_far}
    things = []
    for i in (0, 1):
        x, y = (along[i], across[i]) if axis == 0 else (across[i], along[i])
        things.append(Thing(colors[i], shapes[i], float(x), float(y), radii[i]))
    return things, where


def _draw_apart(rng: np.random.Generator, low: float, high: float) -> float:
    """How far two centroids are apart on the relation's axis, at most about a 128-px image's worth."""
    return float(rng.uniform(low, min(high, max(low, 90.0))))
