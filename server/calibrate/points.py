"""The arena's rows as points: what each pair of thresholds costs and how near it stays."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from server.errors import StartupError

HIGHEST_PSNR_DB = 60.0
"""What equal images count as in a mean."""


@dataclass(frozen=True, slots=True)
class Point:
    """Means over the images of one pair of thresholds; ``images`` is how many they are."""

    tau1: float
    tau2: float
    images: int
    flops_ratio: float
    seconds_ratio: float
    psnr_db: float
    ssim: float
    flip: float


def read_points(results: Path, steps: int) -> list[Point]:
    """The default method's settings in an arena's results.csv, at one number of steps; more may be in the file.

    Raises StartupError where there are none.
    """
    runs: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    with results.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["method"] == "default" and int(row["steps"]) == steps:
                runs[row["setting"]].append(row)
    if not runs:
        raise StartupError(f"{str(results)!r} has no rows of the default method at {steps} steps")
    return [_point(setting, rows) for setting, rows in runs.items()]


def _point(setting: str, rows: list[dict[str, str]]) -> Point:
    taus = dict(word.split("=") for word in setting.split())

    def of(column: str) -> float:
        return mean(float(row[column]) for row in rows)

    return Point(
        float(taus["tau1"]),
        float(taus["tau2"]),
        len(rows),
        of("flops_ratio"),
        of("seconds_ratio"),
        mean(min(float(row["psnr"]), HIGHEST_PSNR_DB) for row in rows),
        of("ssim"),
        of("flip"),
    )
