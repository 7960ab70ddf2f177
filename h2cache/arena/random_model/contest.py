"""A few methods on the random model, held against its uncached run over latents: there are no images."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from h2cache.arena.fidelity import relative_l1
from h2cache.arena.ranking import points_of
from h2cache.arena.rows import Row, read_rows, write_rows
from h2cache.arena.setting import OFF, Setting, grid, pairs
from h2cache.arena.shots import Developed, Shot, develop
from h2cache.arena.source import Source

SETTINGS = (
    *pairs("default", ((0.025, 0.037), (0.06, 0.09), (0.11, 0.16))),
    *pairs("paper", ((0.3, 0.42), (0.35, 0.5), (0.4, 0.57))),
    *grid("fbcache", "threshold", (0.37, 0.41, 0.45)),
    *grid("fbcache-taylor", "threshold", (0.37, 0.41, 0.45)),
    *grid("taylorseer", "every", (2, 3, 4), order=1),
    *grid("dicache", "threshold", (0.05, 0.1, 0.3)),
)
"""Six methods, three settings each; residuals move more from step to step here than in a trained model."""
HEAD = "| method | setting | share of FLOPs | PSNR of latents (dB) | relative L1 of latents |"


@dataclass(frozen=True)
class LatentContest:
    """``seeds`` runs of ``steps`` steps a setting, each with a text of its own; ``out`` has results.csv."""

    source: Source
    settings: Sequence[Setting]
    steps: int
    seeds: int
    out: Path

    @property
    def results(self) -> Path:
        """The arena's columns; what is of images, of seconds or of a prompt's sense is ``nan`` or empty."""
        return self.out / "results.csv"

    def run(self, told: Callable[[int], None] = lambda done: None) -> None:
        """What results.csv does not have yet; ``told`` hears of each batch that is done."""
        self.out.mkdir(parents=True, exist_ok=True)
        done = {row.run for row in read_rows(self.results)}
        uncached = self._made(Setting(OFF), told)
        for setting in (Setting(OFF), *self.settings):
            if (setting.name, setting.label, self.steps) not in done:
                made = uncached if setting.name == OFF else self._made(setting, told)
                write_rows(self.results, [_row(setting, *pair) for pair in zip(made, uncached, strict=True)])

    def _made(self, setting: Setting, told: Callable[[int], None]) -> list[Developed]:
        method = setting.make()
        shots = [Shot(seed, f"text {seed}", seed, self.steps, method) for seed in range(self.seeds)]
        return develop(self.source, shots, told)


def _row(setting: Setting, mine: Developed, off: Developed) -> Row:
    return Row(
        method=setting.name,
        setting=setting.label,
        steps=mine.shot.steps,
        prompt_index=mine.shot.prompt_index,
        seed=mine.shot.seed,
        flops_ratio=mine.statistics.flux1_ratio,
        blocks_run=mine.statistics.flops_ratio,
        psnr=latent_psnr(mine.latents, off.latents),
        ssim=math.nan,
        flip=math.nan,
        latent_rel_l1=relative_l1(mine.latents, off.latents),
        seconds_ratio=math.nan,
        adherence=None,
    )


def latent_psnr(latents: Tensor, reference: Tensor) -> float:
    """10 log10(R^2 / MSE) with R the reference's range, largest less smallest value."""
    mse = float((latents.float() - reference.float()).square().mean())
    reach = float(reference.max() - reference.min())
    return math.inf if mse == 0 else 10 * math.log10(reach**2 / mse)


def table(results: Path) -> str:
    """Means over seeds in Markdown, the methods in order of work."""
    points = sorted(points_of(read_rows(results)), key=lambda point: (point.method, point.flops_ratio))
    lines = [
        f"| {p.method} | {p.setting} | {p.flops_ratio:.3f} | {p.psnr:.2f} | {p.latent_rel_l1:.5f} |"
        for p in points
    ]
    return "\n".join([HEAD, "| --- | --- | --- | --- | --- |", *lines]) + "\n"
