"""Commands of other programs: run, with their output in a log, or in the error when they fail."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAST_LINES = 30


class StepFailed(Exception):
    """A step did not do what it should; the message says what was seen."""


@dataclass(frozen=True)
class Runner:
    """Runs commands under an environment, all output added to one log."""

    environment: Mapping[str, str]
    log: Path

    def run(self, *command: str, timeout_s: float = 600.0) -> str:
        """Standard output. Raises StepFailed with the last lines of both outputs."""
        try:
            done = subprocess.run(
                command, env=self.environment, capture_output=True, text=True, timeout=timeout_s, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StepFailed(f"{' '.join(command[:4])} ...: {error}") from error
        said = done.stdout + done.stderr
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"\n$ {' '.join(command)}\n{said}")
        if done.returncode:
            raise StepFailed(f"{' '.join(command[:6])}: exit {done.returncode}\n{last_lines(said)}")
        return done.stdout


def last_lines(text: str, count: int = LAST_LINES) -> str:
    """Of what a command said."""
    return "\n".join(text.splitlines()[-count:])


def require(holds: bool, what: Sequence[object] | str) -> None:
    """Raise StepFailed unless it holds."""
    if not holds:
        raise StepFailed(what if isinstance(what, str) else " ".join(map(str, what)))


def say(text: str) -> None:
    """At once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
