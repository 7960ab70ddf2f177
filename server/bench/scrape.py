"""What a scrape costs at its fullest: every label that the rules allow, after 10,000 threshold pairs."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from prometheus_client import CollectorRegistry

from server.engine.interface import BatchStepped, RowStepped
from server.metrics.api import ApiMetrics
from server.metrics.registry import render
from server.metrics.thresholds import MAX_PAIRS, MAX_PRESETS, threshold_rule
from server.metrics.worker import WorkerMetrics
from server.request import CacheChoice, Timings

PAIRS, RENDERS, SEED = 10_000, 9, 7
EDGES = (0.05, 0.1, 0.2, 0.4)
OUTCOMES = ("full", "detail_hit", "structure_hit")
TIMINGS = Timings(100.0, 10.0, 1500.0, 90.0, 1700.0)


@dataclass(frozen=True)
class Scrape:
    """Of an embedded server: lines with a value, bytes, the median milliseconds to render, and to count a step."""

    series: int
    num_bytes: int
    render_ms: float
    step_us: float


def measure_scrape() -> Scrape:
    """Both sides on one registry."""
    registry = CollectorRegistry()
    presets = {f"preset-{i}": (0.001 * i, 0.7) for i in range(MAX_PRESETS)}
    rule = threshold_rule(presets.items(), [(0.001 * i, 0.8) for i in range(MAX_PAIRS)], EDGES, EDGES)
    api, worker = ApiMetrics(registry, rule), WorkerMetrics(registry, rule)
    chosen = list(choices(presets))
    began_s = time.perf_counter()
    for choice in chosen:
        rows = tuple(RowStepped(choice, outcome, 20, 57, 0.4) for outcome in OUTCOMES)
        worker.engine_said(BatchStepped(len(rows), 0.1, rows))
    step_us = 1e6 * (time.perf_counter() - began_s) / len(chosen)
    for choice in chosen:
        worker.image_denoised(choice, 1.5)
        api.generation_done(choice, TIMINGS)
    took = [timed(registry) for _ in range(RENDERS)]
    text = render(registry)
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    return Scrape(series, len(text), 1000 * statistics.median(took), step_us)


def choices(presets: dict[str, tuple[float, float]]) -> Iterator[CacheChoice]:
    """Each preset, each listed pair, off, and random pairs."""
    random = Random(SEED)
    yield CacheChoice("off", None, None, method="off")
    for name, pair in presets.items():
        yield CacheChoice(name, *pair)
    for i in range(MAX_PAIRS):
        yield CacheChoice("custom", 0.001 * i, 0.8)
    for _ in range(PAIRS):
        yield CacheChoice("custom", random.lognormvariate(-2, 1.5), random.lognormvariate(-2, 1.5))


def timed(registry: CollectorRegistry) -> float:
    """Seconds of one rendering."""
    began_s = time.perf_counter()
    render(registry)
    return time.perf_counter() - began_s
