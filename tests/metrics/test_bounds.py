"""However many thresholds clients think up, the scrape stays small and its counters only rise."""

import random
import re

from server.engine.interface import BatchStepped, EngineMemory, TextEncoded
from server.jobs.status import PriorityDepth, QueueDepth
from tests.metrics.sides import FULLEST_RULE, OFF, Sides, pair, row

MOST_SERIES, MOST_BYTES = 4000, 400_000
PAIRS = 10_000
SOME = 100
"""Enough for every series to be there that tests of names and labels look at."""


def fill(sides: Sides, pairs: int, seed: int = 7) -> int:
    """Every preset and listed pair, off, and random pairs over all cells; returns how many requests."""
    draw = random.Random(seed)
    choices = [OFF, *(pair(*exact) for exact in sides.rule.exact)]
    choices += [pair(0.15, 0.22, name) for name in sides.rule.presets]
    choices += [pair(draw.lognormvariate(-2, 1.5), draw.lognormvariate(-2, 1.5)) for _ in range(pairs)]
    for choice in choices:
        sides.one_request(choice)
    return len(choices)


def worst_case(pairs: int) -> Sides:
    """The fullest configuration, every route, code and batch size, and ``pairs`` random pairs."""
    sides = Sides(FULLEST_RULE)
    fill(sides, pairs)
    for route in range(20):
        for code in (200, 400, 401, 404, 413, 415, 429, 500, 503, 504):
            sides.api.request_done(f"/v1/route/{route}", code, 0.1)
    for size in range(1, 200):
        sides.worker.engine_said(BatchStepped(size, 0.1, (row(OFF),), EngineMemory(1, 2, 3)))
    for was_known in (True, False):
        sides.worker.engine_said(TextEncoded(was_known))
    lines = tuple(PriorityDepth(priority, 1, 1) for priority in range(-50, 50))
    sides.api.queue_is(QueueDepth(100, 0, 100, lines))
    for reason in range(100):
        sides.api.refused(f"reason {reason}")
    return sides


def test_after_ten_thousand_random_pairs_the_scrape_is_bounded() -> None:
    text = worst_case(PAIRS).text()
    series = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(series) < MOST_SERIES
    assert len(text) < MOST_BYTES


def test_nothing_is_lost_in_the_bounded_labels() -> None:
    sides = Sides()
    requests = fill(sides, 300)
    series = sides.series()
    assert sum(value for name, value in series.items() if name.startswith("h2serve_steps_total")) == 4 * requests
    for name in ("h2serve_pair_request_seconds_count", "h2serve_pair_denoise_seconds_count"):
        assert sum(value for line, value in series.items() if line.startswith(name)) == requests


def test_counters_never_go_backwards_and_no_series_ever_leaves() -> None:
    sides = Sides(FULLEST_RULE)
    before: dict[str, float] = {}
    for turn in range(5):
        fill(sides, 400, seed=turn)
        after = sides.series()
        assert set(before) <= set(after)
        falling = [
            name
            for name, value in before.items()
            if re.match(r"\w+_(total|bucket|sum|count)", name) and after[name] < value
        ]
        assert falling == []
        before = after


def test_there_are_no_created_series() -> None:
    sides = Sides()
    fill(sides, 3)
    assert "_created" not in sides.text()
