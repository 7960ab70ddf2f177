"""The suite itself: 25 cases, each with its row in the table of docs/faults.md, counted as they end."""

import importlib
import re
from pathlib import Path
from typing import Literal

from pytest import TestReport

from tests.faults.__main__ import CASES, Tally, verdict

DOC = Path(__file__).parents[2] / "docs" / "faults.md"


def cases() -> list[str]:
    """Names of all tests that carry the mark."""
    found = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.faults.{path.stem}")
        for name, test in vars(module).items():
            if any(mark.name == "fault" for mark in getattr(test, "pytestmark", ())):
                found.append(name)
    return found


def test_there_are_25_cases() -> None:
    assert len(cases()) == CASES


def test_each_case_has_its_row_in_the_table_and_each_row_its_case() -> None:
    rows = re.findall(r"^\|.*\| `(test_\w+)` \|$", DOC.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(cases())


def test_a_case_that_was_not_found_counts_as_failed() -> None:
    assert verdict(Tally(lambda: 0.0, 0.0, passed=CASES)) == "25 passed, 0 failed"
    assert verdict(Tally(lambda: 0.0, 0.0, passed=CASES - 2)) == "23 passed, 2 failed"
    assert verdict(Tally(lambda: 0.0, 0.0, passed=CASES - 1, failed=["a"])) == "24 passed, 1 failed"


def told(tally: Tally, name: str, **outcomes: Literal["passed", "failed", "skipped"]) -> None:
    """The reports of a case whose phases ended as said, else well."""
    for when in ("setup", "call", "teardown"):
        outcome = outcomes.get(when, "passed")
        nodeid = f"tests/faults/test_x.py::{name}"
        tally.pytest_runtest_logreport(TestReport(nodeid, ("", 0, ""), {}, outcome, None, when))


def test_a_case_passes_when_all_of_its_phases_do_and_a_skipped_one_does_not() -> None:
    tally = Tally(lambda: 0.0, 0.0)
    told(tally, "good")
    told(tally, "bad", call="failed")
    told(tally, "untidy", teardown="failed")
    told(tally, "skipped", setup="skipped")
    assert (tally.passed, tally.failed) == (1, ["bad", "untidy", "skipped"])
