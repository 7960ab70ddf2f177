"""Methods held against each other at equal work: what no single row of results.csv says."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from h2cache.arena.ranking import Point, curve, quality_at, work_for
from h2cache.arena.setting import OFF

SHARES = (0.2, 0.3, 0.4, 0.5, 0.6)
"""Of a measure of work, at which PSNR is read off each curve."""
YARDSTICK = ("paper", "tau1=0.15 tau2=0.22")
"""The paper's own setting: how much work the others need for its PSNR is told."""


@dataclass(frozen=True)
class Standing:
    """A method's PSNR at each of ``SHARES``, and the share at which it has the yardstick's; None off its curve."""

    name: str
    psnr: tuple[float | None, ...]
    share: float | None


def standings(points: Iterable[Point], steps: int, work: str = "flops_ratio") -> list[Standing]:
    """Of all methods at one number of steps, fitted and tuned ones apart; those that need least work first.

    ``work`` is one of ``plots.WORKS``: what shares are of.
    """
    curves: defaultdict[str, list[Point]] = defaultdict(list)
    wanted = None
    for point in points:
        if point.steps != steps or point.method == OFF:
            continue
        curves[point.curve_name].append(point)
        if (point.method, point.setting) == YARDSTICK:
            wanted = point.psnr
    found = [_standing(name, own, work, wanted) for name, own in curves.items()]
    return sorted(found, key=lambda one: (one.share is None, one.share, one.name))


def _standing(name: str, points: Sequence[Point], work: str, wanted: float | None) -> Standing:
    line = front(curve(points, work, "psnr"))
    psnr = tuple(quality_at(line, share) for share in SHARES)
    return Standing(name, psnr, None if wanted is None else work_for(line, wanted))


def front(line: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A curve without the settings that another one beats with less work."""
    kept: list[tuple[float, float]] = []
    for work, quality in sorted(line, key=lambda point: (point[0], -point[1])):
        if not kept or quality > kept[-1][1]:
            kept.append((work, quality))
    return kept


HEAD = ("method", *(f"PSNR at {share:g}" for share in SHARES), "share for the paper's PSNR")


def cells(one: Standing) -> tuple[str, ...]:
    """A standing's line of the table."""
    psnr = ("" if value is None else f"{value:.1f}" for value in one.psnr)
    return (one.name, *psnr, "" if one.share is None else f"{one.share:.3f}")
