"""``python -m h2cache.arena.random_model.distances``: which distance tells best what a reuse would cost."""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean

import numpy as np
from rich.progress import Progress

from h2cache.arena.random_model.__main__ import add_shape_flags, shape_of
from h2cache.arena.random_model.model import random_model
from h2cache.arena.random_model.reuse import DISTANCES, LONGEST, Pair, pairs_of
from h2cache.arena.same_run import keep, refuse_another
from h2cache.errors import H2CacheError

FEWEST_STEPS = LONGEST + 3
"""Three pairs of the longest gap have an order."""
COLUMNS = ("seed", "before", "after", "error", *DISTANCES)


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0 on success, 2 with one line on what was asked wrongly."""
    top = argparse.ArgumentParser(prog="python -m h2cache.arena.random_model.distances", description=__doc__)
    add_shape_flags(top, grid="64x64", text_tokens=512)
    top.add_argument("--steps", type=int, default=14)
    top.add_argument("--seeds", type=int, default=2, help="seeds 0 to N - 1, each with a text of its own")
    top.add_argument("--out", type=Path, required=True, help="folder of distances.csv and distances.md")
    arguments = top.parse_args(words)
    try:
        run(arguments)
    except H2CacheError as error:
        sys.stderr.write(f"distances: {error}\n")
        sys.exit(2)


def run(arguments: argparse.Namespace) -> None:
    """Seeds that the file does not have yet, then the table."""
    if arguments.steps < FEWEST_STEPS or arguments.seeds < 1:
        said = f"steps is {arguments.steps}, seeds {arguments.seeds}"
        raise H2CacheError(f"{said}, allowed are from {FEWEST_STEPS} and from 1 up")
    shape, path = shape_of(arguments), arguments.out / "distances.csv"
    asked = {**asdict(shape), "steps": arguments.steps}
    refuse_another(path.with_suffix(".json"), asked)
    source = random_model(shape)
    keep(path.with_suffix(".json"), asked)
    done = {pair.seed for pair in read_pairs(path)}
    with Progress() as progress:
        bar = progress.add_task("steps", total=arguments.steps * arguments.seeds)
        for seed in set(range(arguments.seeds)) - done:
            write_pairs(path, pairs_of(source, seed, arguments.steps, lambda: progress.advance(bar)))
    (arguments.out / "distances.md").write_text(table(read_pairs(path)), encoding="utf-8")


def write_pairs(path: Path, pairs: Sequence[Pair]) -> None:
    """Append; a new file gets its head first."""
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(COLUMNS)
        for pair in pairs:
            numbers = (pair.error, *pair.distances.values())
            writer.writerow([pair.seed, pair.before, pair.after, *(f"{number:g}" for number in numbers)])


def read_pairs(path: Path) -> list[Pair]:
    """All of them; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Pair(
                int(line["seed"]),
                int(line["before"]),
                int(line["after"]),
                float(line["error"]),
                {name: float(line[name]) for name in DISTANCES},
            )
            for line in csv.DictReader(file)
        ]


def table(pairs: Sequence[Pair]) -> str:
    """Rank correlations in Markdown, the best distance first: over all pairs, and over those of one gap."""
    head = ["distance", "all pairs", *(f"{gap} step{'s' * (gap > 1)} apart" for gap in range(1, LONGEST + 1))]
    found = {name: list(correlations(pairs, name)) for name in DISTANCES}
    best_first = sorted(found, key=lambda name: -found[name][0])
    lines = [[name, *(f"{value:.3f}" for value in found[name])] for name in best_first]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines)) + "\n"


def correlations(pairs: Sequence[Pair], name: str) -> Iterator[float]:
    """Of a distance with the error, means over seeds: of all pairs, then of each gap."""
    for gap in (None, *range(1, LONGEST + 1)):
        of_seeds: dict[int, list[Pair]] = {}
        for pair in pairs:
            if gap in (None, pair.after - pair.before):
                of_seeds.setdefault(pair.seed, []).append(pair)
        yield mean(
            rank_correlation([pair.distances[name] for pair in own], [pair.error for pair in own])
            for own in of_seeds.values()
        )


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's, of values without ties: 1 where both have the same order."""
    mine, others = (np.argsort(np.argsort(values)) for values in (one, other))
    return float(np.corrcoef(mine, others)[0, 1])


if __name__ == "__main__":
    main()
