"""``python -m h2cache.arena``: run what results.csv does not have yet, then write the report."""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from h2cache.arena.calibration.fit import PROMPTS, Fit
from h2cache.arena.clock import PAIRS
from h2cache.arena.contest import Contest
from h2cache.arena.fits import Fits
from h2cache.arena.kept import keep_lost
from h2cache.arena.perceptual import open_lpips
from h2cache.arena.prompts import hash_of, read_prompts, refuse_overlap
from h2cache.arena.ranking import points_of
from h2cache.arena.report import write_report
from h2cache.arena.rows import read_rows
from h2cache.arena.same_run import Asked, keep, refuse_another
from h2cache.arena.setting import OFF, Setting
from h2cache.arena.sheets import nearest
from h2cache.arena.studio import Studio, model_name, open_studio
from h2cache.arena.sweep import SWEEPS, settings_of
from h2cache.arena.tuning.tuned import settings_of_tuned, tuned_of
from h2cache.errors import H2CacheError


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0 on success, 2 with one line on what was asked wrongly."""
    arguments = parser().parse_args(words)
    try:
        run(arguments)
    except H2CacheError as error:
        sys.stderr.write(f"arena: {error}\n")
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    """All flags."""
    top = argparse.ArgumentParser(prog="python -m h2cache.arena", description="Caching methods, ranked.")
    add_model_flags(top)
    top.add_argument("--prompts", type=Path, required=True, help="the prompts to report on, one a line, UTF-8")
    top.add_argument("--calibrate", type=Path, help="tuning prompts to fit rivals on; none may be in both files")
    top.add_argument("--seeds", type=int, default=1, help="seeds 0 to N - 1 for each prompt")
    top.add_argument("--methods", default=",".join(SWEEPS), help="by commas; all of them when absent")
    top.add_argument("--tuned", type=Path, help="folder of h2cache.arena.tuning; flux-nano has its own")
    top.add_argument("--pairs", type=int, default=PAIRS, help="how often a setting is timed beside no cache")
    top.add_argument("--checker", help="MODULE:FUNCTION that tells whether an image shows its prompt")
    top.add_argument("--out", type=Path, required=True, help="folder of results.csv and the report")
    return top


def add_model_flags(top: argparse.ArgumentParser) -> None:
    """What is run, and how."""
    top.add_argument("--model", default="flux-nano", help="flux-nano (or nano), a diffusers folder, or a hub id")
    top.add_argument("--steps", default="28", help="one or more numbers, by commas")
    top.add_argument("--size", default="128x128", help="WIDTHxHEIGHT in pixels, multiples of 16")
    top.add_argument("--guidance", type=float, default=3.5)
    top.add_argument("--device", default="cpu", help="cpu or cuda")


def run(arguments: argparse.Namespace) -> None:
    """Read what is asked, hold the contest, write the report; a model is loaded once nothing can be refused."""
    prompts = read_prompts(arguments.prompts)
    tuning = None if arguments.calibrate is None else read_prompts(arguments.calibrate)
    if tuning is not None:
        refuse_overlap(tuning, prompts)
    if arguments.seeds < 1:
        raise H2CacheError(f"seeds is {arguments.seeds}, allowed is a whole number from 1 up")
    if arguments.pairs < 1:
        raise H2CacheError(f"pairs is {arguments.pairs}, allowed is a whole number from 1 up")
    steps = numbers(arguments.steps)
    names = [name.strip() for name in arguments.methods.split(",")]
    settings_of(names)  # refuses what is none
    width, height = size(arguments.size)
    run_file, asked = arguments.out / "run.json", asked_for(arguments, prompts, tuning)
    known = Fits(model_name(arguments.model), tuning, arguments.out)
    refuse_another(run_file, asked, () if known.are_in_use else ("tuning",))
    for number in steps:
        known.refuse_seen(asked_settings(arguments, names, known.known(number), number), number, prompts)
    if arguments.tuned and tuning is None and not all(map(known.known, steps)):
        raise H2CacheError("--tuned goes by a fit, and there is none: --calibrate with the prompts of the search")
    studio = open_studio(arguments.model, width, height, arguments.guidance, arguments.device, arguments.checker)
    keep(run_file, asked)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    ) as progress:
        fits = {number: fit_of(known, studio, number, progress) for number in steps}
        settings = {number: asked_settings(arguments, names, fit, number) for number, fit in fits.items()}
        say_what_is_left_out(names, settings)
        lpips = open_lpips(width, height)
        contest = Contest(
            studio, prompts, arguments.seeds, settings.__getitem__, arguments.out, lpips, arguments.pairs
        )
        bar = progress.add_task("images", total=contest.images(steps))
        contest.run(steps, lambda done: progress.advance(bar, done))
    keep_lost_images(contest, settings)
    write_report(arguments.out, f"Caching methods on {arguments.model}")


def keep_lost_images(contest: Contest, settings: Mapping[int, Sequence[Setting]]) -> None:
    """A folder of committed rows has no images: those of the contact sheets are made again."""
    points = points_of(read_rows(contest.results))
    for number, asked in settings.items():
        shown = {(point.method, point.setting) for point in nearest(points, number)}
        of_sheet = [each for each in (Setting(OFF), *asked) if (each.name, each.label) in shown]
        keep_lost(contest.out, contest.studio, contest.prompts, of_sheet, number)


def asked_settings(
    arguments: argparse.Namespace, names: Sequence[str], fit: Fit | None, steps: int
) -> list[Setting]:
    """The sweeps, those with a fit, and what a search has chosen."""
    tuned = tuned_of(arguments.tuned, model_name(arguments.model), fit, steps)
    chosen = [] if fit is None or tuned is None else settings_of_tuned(names, fit, tuned)
    return [*settings_of(names, fit), *chosen]


def asked_for(arguments: argparse.Namespace, prompts: Sequence[str], tuning: Sequence[str] | None) -> Asked:
    """What all of the folder's rows share."""
    model = arguments.model
    return {
        "model": str(Path(model).resolve()) if Path(model).is_dir() else model_name(model),
        "size": arguments.size,
        "guidance": arguments.guidance,
        "device": arguments.device,
        "checker": arguments.checker,
        "seeds": arguments.seeds,
        "prompts": hash_of(*prompts),
        "tuning": None if tuning is None else hash_of(*tuning),
    }


def fit_of(fits: Fits, studio: Studio, steps: int, progress: Progress) -> Fit | None:
    """With a bar of its own where it is made now."""
    runs = 0 if fits.tuning is None or fits.known(steps) else min(len(fits.tuning), PROMPTS)
    bar = progress.add_task(f"calibration, {steps} steps", total=runs, visible=runs > 0)
    return fits.of(steps, studio, lambda done: progress.advance(bar, done))


def say_what_is_left_out(names: Sequence[str], settings: Mapping[int, Sequence[Setting]]) -> None:
    """Methods that are nothing without a fit, where there is none."""
    for number, chosen in settings.items():
        missing = [name for name in names if name not in {setting.name for setting in chosen}]
        if missing:
            told = f"{', '.join(missing)} left out at {number} steps: there is no fit, --calibrate FILE makes one"
            sys.stderr.write(f"arena: {told}\n")


def numbers(said: str) -> list[int]:
    """Numbers of steps by commas."""
    if not re.fullmatch(r"[1-9]\d{0,3}(,[1-9]\d{0,3})*", said):
        raise H2CacheError(f"steps is {said[:64]!r}, allowed are whole numbers from 1 to 9999, by commas")
    return [int(number) for number in said.split(",")]


def size(said: str) -> tuple[int, int]:
    """Width and height."""
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", said)
    sides = tuple(map(int, found.groups())) if found else ()
    if not sides or any(side % 16 for side in sides):
        raise H2CacheError(f"size is {said[:64]!r}, allowed is WIDTHxHEIGHT with multiples of 16")
    return sides[0], sides[1]


if __name__ == "__main__":
    main()
