"""A bar a phase on the terminal; where there is none, a line a phase."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from load_tests.outcome import Outcome


class Progress:
    """Bars on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextlib.contextmanager
    def phase(self, name: str, total: int) -> Iterator[Callable[[Outcome], None]]:
        """What it yields is to be called at each request's end."""
        columns = (TextColumn("{task.description:>20}"), BarColumn(), MofNCompleteColumn())
        times = (TimeElapsedColumn(), TimeRemainingColumn())
        with Bars(*columns, *times, console=self._console) as bars:
            task = bars.add_task(name, total=total)
            yield lambda outcome: bars.advance(task)
