"""The eight shapes: flat, upright, solid figures of radius 1.

A figure is described in coordinates (u, v) with the middle of its bounding box at the origin, u to the
right and v down. Radius 1 means that half the longer side of the bounding box is 1; the square alone is
smaller, 0.85.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

SQUARE_HALF_SIDE = 0.85
CROSS_HALF_WIDTH = 0.33
RING_STROKE = 0.35
STAR_INNER = 0.42

_TRIANGLE_HALF_HEIGHT = 3**0.5 / 2
_STAR_OUTER = 1 / np.sin(np.deg2rad(72))
_STAR_CENTER = _STAR_OUTER * (1 - np.cos(np.deg2rad(36))) / 2
_HEART_DIAGONAL = 1 / (0.5 + 0.5**0.5)
_HEART_CENTER = _HEART_DIAGONAL * (0.5**0.5 - 0.5) / 2


@dataclass(frozen=True)
class Shape:
    """A figure: its inside, its half extents and the height of its centroid, for radius 1."""

    inside: Callable[[Floats, Floats], Bools]
    half_width: float
    half_height: float
    centroid_v: float


def _circle(u: Floats, v: Floats) -> Bools:
    return u * u + v * v <= 1


def _square(u: Floats, v: Floats) -> Bools:
    return np.maximum(np.abs(u), np.abs(v)) <= SQUARE_HALF_SIDE


def _triangle(u: Floats, v: Floats) -> Bools:
    return (np.abs(u) * 3**0.5 <= v + _TRIANGLE_HALF_HEIGHT) & (v <= _TRIANGLE_HALF_HEIGHT)


def _star(u: Floats, v: Floats) -> Bools:
    """Five points, one up: fold the plane onto half a point and test the edge from tip to notch."""
    v = v - _STAR_CENTER
    fold = np.deg2rad(72)
    angle = np.arctan2(u, -v)
    angle = np.abs(angle - fold * np.round(angle / fold))
    length = np.hypot(u, v)
    along, across = length * np.cos(angle), length * np.sin(angle)
    notch_along = STAR_INNER * _STAR_OUTER * np.cos(fold / 2)
    notch_across = STAR_INNER * _STAR_OUTER * np.sin(fold / 2)
    inside: Bools = notch_across * (_STAR_OUTER - along) >= across * (_STAR_OUTER - notch_along)
    return inside


def _ring(u: Floats, v: Floats) -> Bools:
    square = u * u + v * v
    return (square <= 1) & (square >= (1 - RING_STROKE) ** 2)


def _cross(u: Floats, v: Floats) -> Bools:
    u, v = np.abs(u), np.abs(v)
    return (np.minimum(u, v) <= CROSS_HALF_WIDTH) & (np.maximum(u, v) <= 1)


def _heart(u: Floats, v: Floats) -> Bools:
    """A square on its corner with a half disc on each of its two upper sides."""
    v = v - _HEART_CENTER
    half = _HEART_DIAGONAL / 2
    disc = (np.abs(u) - half) ** 2 + (v + half) ** 2 <= 2 * half * half
    return disc | (np.abs(u) + np.abs(v) <= _HEART_DIAGONAL)


def _diamond(u: Floats, v: Floats) -> Bools:
    return np.abs(u) + np.abs(v) <= 1


def _heart_centroid() -> float:
    """Area-weighted mean of the square (2 d^2) and the two half discs (pi d^2 / 2 together)."""
    half_disc = -0.5 - 4 * 0.5**0.5 / (3 * np.pi) * 0.5**0.5
    return float(_HEART_CENTER + _HEART_DIAGONAL * half_disc * (np.pi / 2) / (2 + np.pi / 2))


SHAPES: dict[str, Shape] = {
    "circle": Shape(_circle, 1.0, 1.0, 0.0),
    "square": Shape(_square, SQUARE_HALF_SIDE, SQUARE_HALF_SIDE, 0.0),
    "triangle": Shape(_triangle, 1.0, _TRIANGLE_HALF_HEIGHT, _TRIANGLE_HALF_HEIGHT / 3),
    "star": Shape(_star, 1.0, _STAR_OUTER * (1 + float(np.cos(np.deg2rad(36)))) / 2, float(_STAR_CENTER)),
    "ring": Shape(_ring, 1.0, 1.0, 0.0),
    "cross": Shape(_cross, 1.0, 1.0, 0.0),
    "heart": Shape(_heart, 1.0, _HEART_DIAGONAL * (1.5 + 0.5**0.5) / 2, _heart_centroid()),
    "diamond": Shape(_diamond, 1.0, 1.0, 0.0),
}
