"""What the whole run may take: of time, and of the disk."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

DEADLINE_S = 20 * 60.0
MOST_MB = 10_000


class OutOfTime(Exception):
    """The deadline is over. No StepFailed: steps catch those of commands that may fail."""


@contextlib.contextmanager
def deadline(until_s: float) -> Iterator[None]:
    """Raises OutOfTime in the main thread, wherever it is, at ``until_s`` of ``time.monotonic()``."""

    def over(number: int, frame: FrameType | None) -> None:
        raise OutOfTime(f"not within {DEADLINE_S:g} s")

    before = signal.signal(signal.SIGALRM, over)
    # 0 would turn the alarm off.
    signal.setitimer(signal.ITIMER_REAL, max(0.001, until_s - time.monotonic()))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def disk_mb(folder: Path) -> int:
    """What is below it takes. A file that goes while du looks is no error."""
    command = ["du", "--summarize", "--block-size=1M", str(folder)]
    said = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
    ).stdout
    return int(said.split()[0])
