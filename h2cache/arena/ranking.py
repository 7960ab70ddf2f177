"""Rows to figures: means over images, and curves that can be compared at equal work."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean

from h2cache.arena.rows import Row

FITTED = "fit=own"
"""What a setting's label says where its coefficients are a calibration's."""
TUNED = "search=own"
"""What it says where the setting was chosen by ``h2cache.arena.tuning``."""
HIGHEST_PSNR = 60.0
"""What equal images count as in a mean, in dB."""


@dataclass(frozen=True)
class Point:
    """One setting at one number of steps: means over its images."""

    method: str
    setting: str
    steps: int
    images: int
    flops_ratio: float
    blocks_run: float
    seconds_ratio: float
    psnr: float
    ssim: float
    flip: float
    latent_rel_l1: float
    adherence: float | None
    lpips: float | None = None

    @property
    def origin(self) -> str:
        """Whose curve it is on: the authors' values have none, a calibration's or a search's stand apart."""
        if TUNED in self.setting:
            return "tuned"
        return "fitted" if FITTED in self.setting else ""

    @property
    def curve_name(self) -> str:
        """The method's, and where its numbers are from."""
        return f"{self.method}, {self.origin}" if self.origin else self.method


def points_of(rows: Iterable[Row]) -> list[Point]:
    """One for each setting, in the order of the rows."""
    runs: defaultdict[tuple[str, str, int], list[Row]] = defaultdict(list)
    for row in rows:
        runs[row.run].append(row)
    return [_point(run) for run in runs.values()]


def _point(rows: Sequence[Row]) -> Point:
    return Point(
        rows[0].method,
        rows[0].setting,
        rows[0].steps,
        len(rows),
        mean(row.flops_ratio for row in rows),
        mean(row.blocks_run for row in rows),
        mean(row.seconds_ratio for row in rows),
        mean(min(row.psnr, HIGHEST_PSNR) for row in rows),
        mean(row.ssim for row in rows),
        mean(row.flip for row in rows),
        mean(row.latent_rel_l1 for row in rows),
        _mean_of_told(row.adherence for row in rows),
        _mean_of_told(row.lpips for row in rows),
    )


def _mean_of_told(values: Iterable[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return mean(told) if told else None


def curve(points: Iterable[Point], work: str, quality: str) -> list[tuple[float, float]]:
    """(work, quality) of some points by rising work; both are names of a point's figures."""
    return sorted((getattr(point, work), getattr(point, quality)) for point in points)


def quality_at(curve: Sequence[tuple[float, float]], work: float) -> float | None:
    """Linear interpolation; None outside of the curve."""
    for (low, first), (high, second) in pairwise(curve):
        if low <= work <= high:
            share = 0.0 if high == low else (work - low) / (high - low)
            return first + share * (second - first)
    return None


def work_for(curve: Sequence[tuple[float, float]], quality: float) -> float | None:
    """The least work at which the curve reaches a quality that is better when higher; None where it does not."""
    if curve and curve[0][1] >= quality:
        return curve[0][0]
    for (low, first), (high, second) in pairwise(curve):
        if first < quality <= second:
            return low + (quality - first) / (second - first) * (high - low)
    return None
