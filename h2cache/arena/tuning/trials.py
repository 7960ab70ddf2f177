"""A trial: one setting on the tuning prompts, its work and its fidelity; and trials.csv, which has them."""

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import mean

from h2cache.arena.fidelity import psnr
from h2cache.arena.ranking import HIGHEST_PSNR
from h2cache.arena.setting import OFF, Setting
from h2cache.arena.shots import Shot, develop
from h2cache.arena.studio import Image, Studio
from h2cache.errors import H2CacheError


@dataclass(frozen=True)
class Trial:
    """Means over ``images``; PSNR in dB of decoded images against the uncached ones, capped as in the ranking."""

    method: str
    setting: str
    steps: int
    images: int
    flops_ratio: float
    psnr: float


HEAD = [field.name for field in fields(Trial)]


@dataclass(frozen=True)
class Prober:
    """Runs settings on some prompts with seed 0, at one number of steps."""

    studio: Studio
    prompts: Sequence[str]
    steps: int

    def images(self, setting: Setting) -> tuple[list[Image], float]:
        """The images, and the mean share of FLOPs."""
        method = setting.make()
        shots = [Shot(index, prompt, 0, self.steps, method) for index, prompt in enumerate(self.prompts)]
        made = develop(self.studio, shots)
        return [self.studio.decode(one.latents) for one in made], mean(one.statistics.flux1_ratio for one in made)

    def uncached(self) -> list[Image]:
        """What the trials are held against."""
        return self.images(Setting(OFF))[0]

    def trial(self, setting: Setting, uncached: Sequence[Image]) -> Trial:
        """One setting."""
        images, share = self.images(setting)
        told = [min(psnr(mine, theirs), HIGHEST_PSNR) for mine, theirs in zip(images, uncached, strict=True)]
        return Trial(setting.name, setting.label, self.steps, len(told), share, mean(told))


def write_trial(path: Path, trial: Trial) -> None:
    """Append; a new file gets its head first."""
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(HEAD)
        writer.writerow([f"{value:g}" if isinstance(value, float) else value for value in astuple(trial)])


def read_trials(path: Path) -> list[Trial]:
    """All of them; none where there is no file. Raises H2CacheError for another kind of file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        head, *lines = list(csv.reader(file)) or [[]]
    if head != HEAD:
        raise H2CacheError(f"{str(path)!r} has columns {head[:3]}..., allowed are those of trials.csv")
    return [
        Trial(method, setting, int(steps), int(images), float(share), float(told))
        for method, setting, steps, images, share, told in lines
    ]
