"""results.csv: one row an image, written as they come, so that a stopped run goes on."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from h2cache.errors import H2CacheError


@dataclass(frozen=True)
class Row:
    """One image; the names are the file's first columns. ``adherence`` is None where nobody can tell."""

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

    @property
    def run(self) -> tuple[str, str, int]:
        """What the row belongs to: method, setting and steps."""
        return self.method, self.setting, self.steps


COLUMNS = tuple(field.name for field in fields(Row))


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Append; a new file gets its head first."""
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(COLUMNS)
        writer.writerows([_shown(value) for value in astuple(row)] for row in rows)


def read_rows(path: Path) -> list[Row]:
    """All rows; none where there is no file. Raises H2CacheError for another kind of file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        head = next(reader, [])
        if tuple(head[: len(COLUMNS)]) != COLUMNS:
            raise H2CacheError(f"{str(path)!r} has columns {head[:3]}..., allowed are the arena's own")
        return [_read(line) for line in reader]


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read(line: list[str]) -> Row:
    method, setting, *rest = line
    steps, prompt_index, seed = map(int, rest[:3])
    flops, blocks, psnr, ssim, flip, latent, seconds = map(float, rest[3:10])
    adherence = float(rest[10]) if rest[10] else None
    return Row(
        method, setting, steps, prompt_index, seed, flops, blocks, psnr, ssim, flip, latent, seconds, adherence
    )
