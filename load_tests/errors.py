"""What stops a load test before or while it runs."""

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console


class LoadTestError(Exception):
    """One line for the person at the terminal."""


@contextlib.contextmanager
def told_in_one_line(program: str, console: Console) -> Iterator[None]:
    """A LoadTestError within ends the process with that line and exit code 2."""
    try:
        yield
    except LoadTestError as error:
        console.print(f"{program}: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(2)
