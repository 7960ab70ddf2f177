"""``python -m h2cache.arena.tuning``: try every search's settings on tuning prompts, choose, write the files."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from h2cache.arena.__main__ import add_model_flags, numbers, size
from h2cache.arena.calibration.fit import PROMPTS, Fit, tuning_of
from h2cache.arena.fit_files import steps_path
from h2cache.arena.fits import Fits
from h2cache.arena.prompts import hash_of, read_prompts
from h2cache.arena.same_run import Asked, keep, refuse_another
from h2cache.arena.setting import Setting
from h2cache.arena.studio import Studio, model_name, open_studio
from h2cache.arena.tuning.choice import choose
from h2cache.arena.tuning.searches import searches_of
from h2cache.arena.tuning.trials import Prober, read_trials, write_trial
from h2cache.arena.tuning.tuned import Tuned, write_tuned
from h2cache.errors import H2CacheError


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0 on success, 2 with one line on what was asked wrongly."""
    top = argparse.ArgumentParser(prog="python -m h2cache.arena.tuning", description="Rivals' guards, searched.")
    add_model_flags(top)
    top.add_argument("--prompts", type=Path, required=True, help=f"tuning prompts; the first {PROMPTS} are run")
    top.add_argument("--methods", help="by commas; all rivals when absent")
    top.add_argument("--out", type=Path, required=True, help="folder of trials.csv and of what was chosen")
    try:
        run(top.parse_args(words))
    except H2CacheError as error:
        sys.stderr.write(f"tuning: {error}\n")
        sys.exit(2)


def run(arguments: argparse.Namespace) -> None:
    """Whatever trials.csv does not have yet, then the choice."""
    prompts = read_prompts(arguments.prompts)[:PROMPTS]
    steps, (width, height) = numbers(arguments.steps), size(arguments.size)
    name, out = model_name(arguments.model), arguments.out
    refuse_another(out / "run.json", asked_for(arguments, prompts))
    committed = Fits(name, None, out)
    usable = [
        (known := committed.known(each)) is not None and known.tuning == tuning_of(prompts) for each in steps
    ]
    fits = committed if all(usable) else Fits(name, prompts, out)
    studio = open_studio(arguments.model, width, height, arguments.guidance, arguments.device, None)
    keep(out / "run.json", asked_for(arguments, prompts))
    for number in steps:
        fit = fits.of(number, studio, lambda done: None)
        assert fit is not None, "fitted where none is committed"
        settings = asked_settings(arguments.methods, fit)
        try_all(studio, prompts, number, settings, out / "trials.csv")
        trials = [trial for trial in read_trials(out / "trials.csv") if trial.steps == number]
        write_tuned(steps_path(out, number), Tuned(name, number, tuning_of(prompts), choose(trials)))


def asked_for(arguments: argparse.Namespace, prompts: Sequence[str]) -> Asked:
    """What all trials of the folder share."""
    same = {name: getattr(arguments, name) for name in ("size", "guidance", "device")}
    return {"model": model_name(arguments.model), **same, "tuning": hash_of(*prompts)}


def asked_settings(methods: str | None, fit: Fit) -> list[Setting]:
    """Of the named rivals. Raises H2CacheError for a name that is none."""
    searches = searches_of(fit)
    names = list(searches) if methods is None else [name.strip() for name in methods.split(",")]
    for name in names:
        if name not in searches:
            raise H2CacheError(f"method is {name[:64]!r}, allowed are {', '.join(searches)}")
    return [setting for name in names for setting in searches[name]]


def try_all(studio: Studio, prompts: Sequence[str], steps: int, settings: Sequence[Setting], path: Path) -> None:
    """One after the other, each written when it is done; those that are in the file are not run again."""
    done = {(trial.method, trial.setting) for trial in read_trials(path) if trial.steps == steps}
    left = [setting for setting in settings if (setting.name, setting.label) not in done]
    prober = Prober(studio, prompts, steps)
    uncached = prober.uncached() if left else []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        for setting in progress.track(left, description=f"{steps} steps"):
            write_trial(path, prober.trial(setting, uncached))


if __name__ == "__main__":
    main()
