"""``python -m h2cache.arena.random_model``: six methods on a random model of FLUX.1's depth, over latents."""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.progress import Progress

from h2cache.arena.random_model.contest import SETTINGS, LatentContest, table
from h2cache.arena.random_model.model import Shape, random_model
from h2cache.arena.same_run import keep, refuse_another
from h2cache.errors import H2CacheError


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0 on success, 2 with one line on what was asked wrongly."""
    top = argparse.ArgumentParser(prog="python -m h2cache.arena.random_model", description=__doc__)
    add_shape_flags(top, grid="16x16", text_tokens=32)
    top.add_argument("--steps", type=int, default=28)
    top.add_argument("--seeds", type=int, default=4, help="seeds 0 to N - 1, each with a text of its own")
    top.add_argument(
        "--out", type=Path, required=True, help="folder of results.csv and table.md; a stopped run goes on"
    )
    arguments = top.parse_args(words)
    try:
        run(arguments)
    except H2CacheError as error:
        sys.stderr.write(f"random_model: {error}\n")
        sys.exit(2)


def run(arguments: argparse.Namespace) -> None:
    """Hold the contest, write the table."""
    if arguments.steps < 1 or arguments.seeds < 1:
        raise H2CacheError(f"steps is {arguments.steps}, seeds {arguments.seeds}, allowed are numbers from 1 up")
    shape, run_file = shape_of(arguments), arguments.out / "run.json"
    asked = {**asdict(shape), "steps": arguments.steps, "seeds": arguments.seeds}
    refuse_another(run_file, asked)
    source = random_model(shape)
    keep(run_file, asked)
    contest = LatentContest(source, SETTINGS, arguments.steps, arguments.seeds, arguments.out)
    with Progress() as progress:
        bar = progress.add_task("runs", total=(1 + len(SETTINGS)) * arguments.seeds)
        contest.run(lambda done: progress.advance(bar, done))
    (arguments.out / "table.md").write_text(table(contest.results), encoding="utf-8")


def add_shape_flags(top: argparse.ArgumentParser, grid: str, text_tokens: int) -> None:
    """The model's, by default FLUX.1's depth."""
    top.add_argument("--blocks", default="19+38", help="double and single ones")
    top.add_argument("--heads", type=int, default=2, help="of 64 channels")
    top.add_argument("--grid", default=grid, help="rows and columns of image tokens")
    top.add_argument("--text-tokens", type=int, default=text_tokens)


def shape_of(arguments: argparse.Namespace) -> Shape:
    """What the flags say. Raises H2CacheError."""
    double, single = _two("blocks", arguments.blocks, "+")
    rows, columns = _two("grid", arguments.grid, "x")
    if arguments.heads < 1 or arguments.text_tokens < 1:
        raise H2CacheError(
            f"heads is {arguments.heads}, text-tokens {arguments.text_tokens}, allowed are numbers from 1 up"
        )
    return Shape(double, single, arguments.heads, rows, columns, arguments.text_tokens)


def _two(name: str, said: str, between: str) -> tuple[int, int]:
    found = re.fullmatch(rf"([1-9]\d{{0,3}}){re.escape(between)}([1-9]\d{{0,3}})", said)
    if found is None:
        raise H2CacheError(f"{name} is {said[:64]!r}, allowed are two numbers with {between!r} between them")
    return int(found[1]), int(found[2])


if __name__ == "__main__":
    main()
