"""results.csv: one row an image, written as they come, so that a stopped run goes on."""

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from h2cache.errors import H2CacheError


@dataclass(frozen=True)
class Row:
    """One image; the names are the file's first columns. ``adherence`` is None where nobody can tell.

    ``lpips`` is None where its weights were not on the machine; a file that was begun so has no such column.
    """

    method: str
    setting: str
    steps: int
    prompt_index: int
    seed: int
    flops_ratio: float
    blocks_run: float
    psnr: float
    ssim: float
    flip: float
    latent_rel_l1: float
    seconds_ratio: float
    adherence: float | None
    lpips: float | None = None

    @property
    def run(self) -> tuple[str, str, int]:
        """What the row belongs to: method, setting and steps."""
        return self.method, self.setting, self.steps


EVERY_COLUMN = tuple(field.name for field in fields(Row))
COLUMNS = EVERY_COLUMN[:-1]
"""Of every file; behind them is ``lpips``, or nothing."""


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Append; a new file gets its head first."""
    is_new = not path.exists()
    head = columns_for(rows) if is_new else head_of(path)
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(head)
        writer.writerows([_shown(value) for value in astuple(row)[: len(head)]] for row in rows)


def columns_for(rows: Sequence[Row]) -> tuple[str, ...]:
    """The fixed ones, and ``lpips`` where it was measured."""
    return EVERY_COLUMN if any(row.lpips is not None for row in rows) else COLUMNS


def read_rows(path: Path) -> list[Row]:
    """All rows; none where there is no file. Raises H2CacheError for another kind of file."""
    if not path.exists():
        return []
    head_of(path)
    with path.open(newline="", encoding="utf-8") as file:
        return [_read(line) for line in list(csv.reader(file))[1:]]


def head_of(path: Path) -> tuple[str, ...]:
    """A file's columns. Raises H2CacheError where they are not the arena's."""
    with path.open(newline="", encoding="utf-8") as file:
        head = tuple(next(csv.reader(file), ()))
    if head not in (COLUMNS, EVERY_COLUMN):
        raise H2CacheError(f"{str(path)!r} has columns {list(head[:3])}..., allowed are the arena's own")
    return head


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read(line: list[str]) -> Row:
    method, setting, *rest = line
    steps, prompt_index, seed = map(int, rest[:3])
    flops, blocks, psnr, ssim, flip, latent, seconds = map(float, rest[3:10])
    adherence, lpips = (float(said) if said else None for said in [*rest[10:], ""][:2])
    image = (psnr, ssim, flip, latent)
    return Row(method, setting, steps, prompt_index, seed, flops, blocks, *image, seconds, adherence, lpips)
