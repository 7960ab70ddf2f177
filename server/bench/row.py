"""A benchmark's outcome as a table, a row a number."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from server.errors import SettingsError


@dataclass(frozen=True)
class Row:
    """One number: what it is, what was measured, what is wanted, and what stands beside it."""

    what: str
    measured: str
    wanted: str
    beside: str


def print_rows(
    title: str, parts: Mapping[str, Callable[[], Iterator[Row]]], only: str | None, as_json: bool
) -> None:
    """Measure and print, a row as soon as it is known, then all of them. Raises SettingsError.

    ``only`` names one of the parts. As JSON it is a list on standard output and nothing else.
    """
    if only is not None and only not in parts:
        raise SettingsError(f"--only is {only!r}, allowed here are {', '.join(parts)}")
    table = Table("number", "measured", "wanted", "beside it", title=title)
    console, found = Console(quiet=as_json), []
    for name, rows in parts.items():
        if only in (None, name):
            for row in rows():
                console.print(f"{row.what}: {row.measured}", style="dim")
                table.add_row(row.what, row.measured, row.wanted, row.beside)
                found.append(asdict(row))
    console.print(table)
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
