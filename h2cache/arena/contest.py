"""The contest: all settings on all prompts and seeds, each image held against the uncached one of its seed."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from h2cache.arena.clock import PAIRS, seconds_ratio
from h2cache.arena.fidelity import compare
from h2cache.arena.kept import keep
from h2cache.arena.outcomes import OutcomeShares, write_outcomes
from h2cache.arena.perceptual import Distance
from h2cache.arena.rows import Row, read_rows, write_rows
from h2cache.arena.setting import OFF, Setting
from h2cache.arena.shots import Developed, Shot, develop
from h2cache.arena.studio import Image, Studio


@dataclass(frozen=True)
class Contest:
    """What is run, with the settings of each number of steps.

    ``out`` is the folder with results.csv, outcomes.csv and the kept images; ``lpips`` measures where it can.
    ``pairs`` are timed of a setting and of none, on its first image.
    """

    studio: Studio
    prompts: Sequence[str]
    seeds: int
    settings: Callable[[int], Sequence[Setting]]
    out: Path
    lpips: Distance | None = None
    pairs: int = PAIRS

    def images(self, steps: Sequence[int]) -> int:
        """How many images there are to make, the uncached ones included."""
        return len(self.prompts) * self.seeds * sum(1 + len(self.settings(number)) for number in steps)

    def run(self, steps: Sequence[int], told: Callable[[int], None]) -> None:
        """Everything that results.csv does not have yet; ``told`` hears how many more images are done."""
        self.out.mkdir(parents=True, exist_ok=True)
        done = {row.run for row in read_rows(self.results)}
        for number in steps:
            settings = (Setting(OFF), *self.settings(number))
            missing = [each for each in settings if (each.name, each.label, number) not in done]
            if not missing:
                told(self.images([number]))
                continue
            uncached = self._made(Setting(OFF), number, told)
            for setting in settings:
                if setting not in missing:
                    told(0 if setting.name == OFF else len(uncached))
                    continue
                made = uncached if setting.name == OFF else self._made(setting, number, told)
                self._judge(setting, number, made, uncached)

    @property
    def results(self) -> Path:
        """Where the rows are."""
        return self.out / "results.csv"

    def _made(self, setting: Setting, steps: int, told: Callable[[int], None]) -> list[tuple[Developed, Image]]:
        method = setting.make()
        shots = [
            Shot(index, prompt, seed, steps, method)
            for index, prompt in enumerate(self.prompts)
            for seed in range(self.seeds)
        ]
        return [(made, self.studio.decode(made.latents)) for made in develop(self.studio, shots, told)]

    def _judge(
        self,
        setting: Setting,
        steps: int,
        made: Sequence[tuple[Developed, Image]],
        uncached: Sequence[tuple[Developed, Image]],
    ) -> None:
        """The rows of one setting, all at once, so that a stopped run has it whole or not at all."""
        ratio = 1.0 if setting.name == OFF else seconds_ratio(self.studio, made[0][0].shot, self.pairs)
        rows = []
        for (mine, image), (off, reference) in zip(made, uncached, strict=True):
            fidelity = compare(image, reference, mine.latents, off.latents)
            right = self.studio.check(mine.shot.prompt, image)
            rows.append(
                Row(
                    setting.name,
                    setting.label,
                    steps,
                    mine.shot.prompt_index,
                    mine.shot.seed,
                    mine.statistics.flux1_ratio,
                    mine.statistics.flops_ratio,
                    fidelity.psnr,
                    fidelity.ssim,
                    fidelity.flip,
                    fidelity.latent_rel_l1,
                    ratio,
                    None if right is None else float(right),
                    None if self.lpips is None else self.lpips(image, reference),
                )
            )
            keep(self.out, setting, mine.shot, image)
        write_outcomes(self.out / "outcomes.csv", shares(setting, steps, [mine for mine, _ in made]))
        write_rows(self.results, rows)


def shares(setting: Setting, steps: int, made: Sequence[Developed]) -> list[OutcomeShares]:
    """For each step, which share of the images had which outcome."""
    found = []
    for step in range(steps):
        counts = Counter(one.outcomes[step].value for one in made)
        found.append(
            OutcomeShares(setting.name, setting.label, steps, step, *(counts[kind] / len(made) for kind in KINDS))
        )
    return found


KINDS = ("full", "detail_hit", "structure_hit")
