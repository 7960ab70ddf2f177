"""Which thresholds are a preset: the cheapest whose images stay near enough. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server.calibrate.points import Point


@dataclass(frozen=True, slots=True)
class Target:
    """Mean SSIM at least, and mean FLIP at most, against the uncached images."""

    ssim: float
    flip: float

    def is_met(self, point: Point) -> bool:
        """True where the point is as near as that."""
        return point.ssim >= self.ssim and point.flip <= self.flip


TARGETS: Mapping[str, Target] = {
    "fast": Target(0.85, 0.1),
    "balanced": Target(0.93, 0.05),
    "quality": Target(0.97, 0.02),
    "lossless": Target(0.995, 0.005),
}
"""FLIP 0.05 is what a viewer who flips between two images at arm's length just sees; 0.005 is nothing."""
FULL = Point(0.0, 0.0, 0, 1.0, 1.0, 60.0, 1.0, 0.0)
"""Both thresholds 0: every step is computed, and the images are the uncached ones."""


def choose(points: Iterable[Point]) -> dict[str, Point]:
    """A point for each target; where none meets it, everything is computed."""
    known = [*points, FULL]
    return {
        name: min((point for point in known if target.is_met(point)), key=lambda point: point.flops_ratio)
        for name, target in TARGETS.items()
    }
