"""All 25 cases of the fault suite, as ``make faults`` runs them: ``python -m tests.faults``.

Installs what is missing, prints what each case took, and ends with one line: ``25 passed, 0 failed``.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CASES = 25
BOUND_S = 15 * 60.0
"""On two cores; what has not begun by then fails."""
ROOT = Path(__file__).parents[2]


@dataclass
class Tally:
    """A plugin of pytest that counts the cases. One that was skipped has not passed."""

    clock: Callable[[], float]
    until_s: float
    passed: int = 0
    failed: list[str] = field(default_factory=list)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """No case begins when the time is over."""
        if self.clock() > self.until_s:
            pytest.fail(f"{BOUND_S:.0f} s were over before it began")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A case has failed once, whichever of its phases did."""
        name = report.nodeid.rpartition("::")[2]
        if report.outcome != "passed" and name not in self.failed:
            self.failed.append(name)
        if report.when == "teardown":
            self.passed += name not in self.failed


def install_packages() -> None:
    """Debian's, by the list that CI has too. What is missing afterwards, or elsewhere, fails its case."""
    if shutil.which("dpkg-query") and subprocess.run([ROOT / ".ci" / "install-packages", "faults"]).returncode:
        sys.stdout.write("packages are missing that only root can install: see .ci/packages\n")


def verdict(tally: Tally) -> str:
    """The last line. A case that was not found has not passed either."""
    return f"{tally.passed} passed, {max(len(tally.failed), CASES - tally.passed)} failed"


def main() -> int:
    """0 when all have passed."""
    install_packages()
    os.environ["CI"] = "true"  # a missing tool fails
    tally = Tally(time.monotonic, time.monotonic() + BOUND_S)
    words = ["-m", "fault", "--durations=0", "--durations-min=1", str(Path(__file__).parent)]
    pytest.main(words, plugins=[tally])
    for name in tally.failed:
        sys.stdout.write(f"failed: {name}\n")
    sys.stdout.write(verdict(tally) + "\n")
    return 0 if tally.passed == CASES and not tally.failed else 1


if __name__ == "__main__":
    sys.exit(main())
