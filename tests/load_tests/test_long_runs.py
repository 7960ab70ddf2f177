"""Overload and soak: the rules over numbers, and the commands against a little server."""

import contextlib
import csv
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tests import overload, soak
from load_tests.drift import growth_of_the_floor, slope_a_minute
from load_tests.outcome import Outcome, Reply
from load_tests.soak import Sample
from load_tests.summary import Summary, summarise
from tests.load_tests.little_server import Answer, little_server, with_image


def summary_of(*ends: tuple[float, Reply]) -> Summary:
    outcomes = [Outcome(i, "a", i, i, i + took, reply, None) for i, (took, reply) in enumerate(ends)]
    return summarise(outcomes, 1.0, 0, float("inf"))


GOOD, FULL, BROKEN = Reply(200, b""), Reply(429), Reply(500)


@pytest.mark.parametrize(
    ("ends", "is_well", "failed"),
    [
        ([(5.0, GOOD), (0.1, FULL)], True, []),
        ([(5.0, GOOD)], True, ["requests refused with 429"]),
        ([(5.0, GOOD), (3.0, FULL)], True, ["p90 of a refusal"]),
        ([(50.0, GOOD), (0.1, FULL)], True, ["p90 of an accepted request"]),
        ([(0.1, FULL)], True, ["requests accepted"]),
        ([(5.0, GOOD), (0.1, FULL), (0.1, BROKEN)], True, ["requests that failed otherwise"]),
        ([(5.0, GOOD), (0.1, FULL)], False, ["a request afterwards"]),
    ],
)
def test_overload_is_judged(ends: list[tuple[float, Reply]], is_well: bool, failed: list[str]) -> None:
    verdicts = overload.judge(summary_of(*ends), longest_s=10.0, slowest_429_s=1.0, is_well=is_well)
    assert [verdict.what for verdict in verdicts if not verdict.holds] == failed


@given(st.floats(-100, 100), st.floats(0, 1000))
def test_a_straight_line_has_its_own_slope(slope: float, start: float) -> None:
    series = [(second, start + slope * second / 60) for second in range(0, 600, 5)]
    assert slope_a_minute(series) == pytest.approx(slope, abs=1e-6)


def test_what_fills_up_in_the_warm_up_and_then_stays_has_no_slope() -> None:
    assert slope_a_minute([(second, min(second, 100.0)) for second in range(0, 600, 5)]) == pytest.approx(0)


def test_what_has_reached_its_level_does_not_grow_and_what_has_not_does() -> None:
    level = [(float(second), 50.0 + second % 7) for second in range(400)]
    rising = [(float(second), float(second)) for second in range(400)]
    assert growth_of_the_floor(level) == 1.0
    assert growth_of_the_floor(rising) > 1.3


@pytest.mark.parametrize(
    ("samples", "failed"),
    [
        ([Sample(second, 500.0, 30, 100) for second in range(0, 600, 5)], []),
        ([Sample(second, 500.0 + second, 30, 0) for second in range(0, 600, 5)], ["memory"]),
        ([Sample(second, 500.0, second, 0) for second in range(0, 600, 5)], ["files"]),
        ([Sample(second, 500.0, 30, second) for second in range(0, 600, 5)], ["keys"]),
        ([Sample(second, 500.0, 30 + 9 * (second > 550), 12 + second % 40) for second in range(0, 600, 5)], []),
    ],
)
def test_a_soak_is_judged(samples: list[Sample], failed: list[str]) -> None:
    verdicts = soak.judge(samples, summary_of((1.0, GOOD)), most_mib_a_minute=1.0)
    broken = [verdict.what for verdict in verdicts if not verdict.holds]
    assert len(broken) == len(failed) and all(word in what for word, what in zip(failed, broken, strict=True))


def test_a_bounded_server_passes_the_overload(capsys: pytest.CaptureFixture[str]) -> None:
    room = threading.Semaphore(8)

    def bounded(body: dict[str, Any]) -> Answer:
        if not room.acquire(blocking=False):
            return 429, {}
        try:
            time.sleep(0.2)
            return with_image(body)
        finally:
            room.release()

    # Bounds so wide that a busy machine keeps them: what is looked at here is that it overloads and judges.
    wide = ["--max-queue", "1000", "--slowest-429", "60"]
    with little_server(bounded) as server:
        overload.main(["--url", server.url, "--requests", "120", "--in-flight", "4", "--factor", "8", *wide])
    assert "6 passed, 0 failed" in capsys.readouterr().out


def test_a_soak_counts_only_keys_that_never_expire() -> None:
    """Ended jobs are kept for an hour, so that for an hour all keys grow with each of them."""
    assert (
        soak.lasting_keys({"db0": {"keys": 1086, "expires": 1080, "avg_ttl": 9}, "db1": {"keys": 2, "expires": 0}})
        == 8
    )
    assert soak.lasting_keys({}) == 0


def test_a_soak_watches_the_process_that_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "soak.csv"
    words = ["--minutes", "0.02", "--rate", "10", "--every", "0.1", "--out", str(out)]
    # In one second a thread more is growth: what is looked at here is not the verdict.
    with little_server() as server, contextlib.suppress(SystemExit):
        soak.main(["--url", server.url, *words])
    assert "images" in capsys.readouterr().out
    with out.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) > 1 and float(rows[0]["resident_mib"]) > 1 and int(rows[0]["open_files"]) > 3


def test_a_soak_of_a_server_that_is_not_there_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        soak.main(["--url", "http://127.0.0.1:9", "--minutes", "0.01"])
    assert "no process that listens on port 9" in capsys.readouterr().out
