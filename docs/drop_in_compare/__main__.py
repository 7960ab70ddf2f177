"""Which caches for diffusers keep calls, branches and rows apart, as a Markdown table on stdout.

    python -m docs.drop_in_compare

Every cell is a process of its own, since some of the libraries change classes. In it the last call of a scenario
is made on a transformer that other calls have used, and again on a fresh one: the two images have to be the same.
The models are tiny and random. cache-dit has a column where it is installed. ParaAttention 0.3.38 does not run
with diffusers 0.42.1: single-stream blocks are called without their text stream.
"""

import importlib.util
import multiprocessing
import sys
from collections.abc import Callable
from queue import Empty
from typing import Any

import torch
from torch import Tensor

from docs.drop_in_compare.bench import Bench
from docs.drop_in_compare.disturbed import LIMIT_S
from docs.drop_in_compare.libraries import LIBRARIES, NEEDS
from docs.drop_in_compare.scenarios import SCENARIOS
from tests.drop_in.pipes import Parts

CLOSE = 1e-3
"""Largest difference of latents (of size about 1) that still counts as the same image."""


def cell(name: str, scenario: Callable[[Bench], tuple[Tensor, Tensor]], answers: Any) -> None:
    """Put the verdict of one scenario."""
    torch.set_num_threads(1)
    bench = Bench(LIBRARIES[name], Parts.tiny())
    try:
        got, wanted = scenario(bench)
        answers.put("yes" if (got - wanted).abs().max() < CLOSE else "**another image**")
    except Exception as error:
        print(f"{name}, {scenario.__name__}: {error!r}"[:300], file=sys.stderr)
        answers.put(f"**{type(error).__name__}**")


def verdict(name: str, scenario: Callable[[Bench], tuple[Tensor, Tensor]]) -> str:
    """One cell, in a process of its own."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=cell, args=(name, scenario, answers))
    process.start()
    try:
        return str(answers.get(timeout=LIMIT_S))
    except Empty:
        return "**hangs**"
    finally:
        process.kill()
        process.join()


def main() -> None:
    """Print the table, libraries as columns."""
    installed = [name for name in LIBRARIES if name not in NEEDS or importlib.util.find_spec(NEEDS[name])]
    print("| the image is that of a fresh transformer |", " | ".join(installed), "|")
    print("| --- |" + " --- |" * len(installed))
    for scenario in SCENARIOS:
        verdicts = [verdict(name, scenario) for name in installed]
        print(f"| {scenario.__name__.replace('_', ' ')} |", " | ".join(verdicts), "|", flush=True)


if __name__ == "__main__":
    main()
