"""outcomes.csv: for each step of each setting, which share of the images computed, and which reused what."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class OutcomeShares:
    """Shares from 0 to 1 that add up to 1."""

    method: str
    setting: str
    steps: int
    step: int
    full: float
    detail_hit: float
    structure_hit: float


def write_outcomes(path: Path, shares: Iterable[OutcomeShares]) -> None:
    """Append; a new file gets its head first."""
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow([field.name for field in fields(OutcomeShares)])
        writer.writerows([f"{v:g}" if isinstance(v, float) else v for v in astuple(each)] for each in shares)


def read_outcomes(path: Path) -> list[OutcomeShares]:
    """All of them; a setting that was begun twice has the later ones."""
    found: dict[tuple[str, str, str, str], OutcomeShares] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for method, setting, steps, step, *shares in list(csv.reader(file))[1:]:
            found[method, setting, steps, step] = OutcomeShares(
                method, setting, int(steps), int(step), *map(float, shares)
            )
    return list(found.values())
