"""What a test found against what it allows, and how it ends."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from load_tests.errors import told_in_one_line
from load_tests.progress import Progress


@dataclass(frozen=True)
class Verdict:
    """``measured`` and ``allowed`` are for people, ``holds`` for the exit code."""

    what: str
    measured: str
    allowed: str
    holds: bool


def at_most(what: str, measured: float, bound: float, unit: str) -> Verdict:
    """Holds up to and including the bound."""
    return Verdict(what, f"{measured:.3g} {unit}", f"<= {bound:.3g} {unit}", measured <= bound)


def at_least_one(what: str, measured: int) -> Verdict:
    """Holds where anything was seen: a test that provoked nothing has tested nothing."""
    return Verdict(what, str(measured), ">= 1", measured >= 1)


def end_with_verdicts(program: str, run: Callable[[Progress], Coroutine[Any, Any, list[Verdict]]]) -> None:
    """Run a test and print what it found: exit code 1 when a verdict does not hold, 2 where it could not go on."""
    console = Console()
    with told_in_one_line(program, console):
        verdicts = asyncio.run(run(Progress(console)))
    if not print_verdicts(verdicts, console):
        sys.exit(1)


def print_verdicts(verdicts: Sequence[Verdict], console: Console) -> bool:
    """A table and a closing line. True when all hold."""
    table = Table("what", "measured", "allowed", "")
    for verdict in verdicts:
        table.add_row(verdict.what, verdict.measured, verdict.allowed, "ok" if verdict.holds else "FAILED")
    console.print(table)
    failed = sum(not verdict.holds for verdict in verdicts)
    console.print(f"{len(verdicts) - failed} passed, {failed} failed", highlight=False)
    return not failed
