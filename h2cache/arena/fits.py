"""The fits that a run goes by: committed, of an earlier run, or made now; never on what is reported on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from h2cache.arena.calibration.fit import Fit, calibrate, tuning_of
from h2cache.arena.fit_files import committed_fit, read_fit, steps_path, write_fit
from h2cache.arena.prompts import hash_of
from h2cache.arena.ranking import FITTED, TUNED
from h2cache.arena.rows import read_rows
from h2cache.arena.setting import Setting
from h2cache.arena.studio import Studio
from h2cache.errors import H2CacheError


@dataclass(frozen=True)
class Fits:
    """Of a model's name and tuning prompts, in the arena's folder; without tuning prompts the committed ones."""

    model: str
    tuning: Sequence[str] | None
    out: Path

    def known(self, steps: int) -> Fit | None:
        """What is there before a model is run. Raises H2CacheError for a file of other tuning prompts."""
        if self.tuning is None:
            return committed_fit(self.model, steps)
        path = self._path(steps)
        if not path.exists():
            return None
        fit = read_fit(path)
        if fit.tuning != tuning_of(self.tuning):
            raise H2CacheError(
                f"{str(path)!r} was fitted on other prompts; give another --out, or delete it to fit anew"
            )
        return fit

    def refuse_seen(self, settings: Sequence[Setting], steps: int, prompts: Sequence[str]) -> None:
        """Raises H2CacheError where what a setting was fitted or chosen on is to be reported on."""
        fit = self.known(steps)
        if fit is None or not any(label in setting.label for setting in settings for label in (FITTED, TUNED)):
            return
        both = {hash_of(prompt) for prompt in prompts} & set(fit.tuning)
        if both:
            raise H2CacheError(
                f"{len(both)} prompts are of those that the fit for {steps} steps was made on, allowed is none; "
                "report on others, or --calibrate on others"
            )

    def of(self, steps: int, studio: Studio, told: Callable[[int], None]) -> Fit | None:
        """What is known, or made now and written where there are tuning prompts; ``told`` hears of each run."""
        if self.tuning is not None and not self._path(steps).exists():
            write_fit(self._path(steps), calibrate(studio, self.model, self.tuning, steps, told))
        return self.known(steps)

    @property
    def are_in_use(self) -> bool:
        """True where the folder has some, or rows by them: its tuning prompts can be no others any more."""
        rows = read_rows(self.out / "results.csv")
        return (self.out / "coefficients").exists() or any(FITTED in row.setting for row in rows)

    def _path(self, steps: int) -> Path:
        return steps_path(self.out / "coefficients", steps)
