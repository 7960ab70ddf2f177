"""Both sides of an embedded server's metrics on one registry, and rows as an engine tells them."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from server.engine.interface import BatchStepped, RowStepped
from server.jobs.event import JobState
from server.metrics.api import ApiMetrics
from server.metrics.jobs import JobMetrics
from server.metrics.registry import render, tell_build
from server.metrics.thresholds import MAX_PAIRS, MAX_PRESETS, ThresholdRule, threshold_rule
from server.metrics.worker import WorkerMetrics
from server.request import CacheChoice, Timings

PRESETS = {"fast": (0.25, 0.35), "balanced": (0.15, 0.22)}
EDGES = (0.05, 0.1, 0.2, 0.4)
RULE = threshold_rule(PRESETS.items(), [(0.3, 0.3)], EDGES, EDGES)
FULLEST_RULE = threshold_rule(
    [(f"preset-{i}", (0.001 * i, 0.7)) for i in range(MAX_PRESETS)],
    [(0.001 * i, 0.8) for i in range(MAX_PAIRS)],
    EDGES,
    EDGES,
)
OFF = CacheChoice("off", None, None, method="off")
TIMINGS = Timings(queue_ms=100.0, encode_ms=10.0, denoise_ms=1500.0, decode_ms=90.0, total_ms=1700.0)


@dataclass
class Sides:
    """An embedded server's metrics, without the server."""

    rule: ThresholdRule = RULE
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.jobs = JobMetrics(self.registry)
        self.api = ApiMetrics(self.registry, self.rule)
        self.worker = WorkerMetrics(self.registry, self.rule)
        tell_build(self.registry, "0.1.0", "flux-nano")

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def text(self) -> str:
        return render(self.registry).decode()

    def series(self) -> dict[str, float]:
        """Every line of the scrape that has a value."""
        lines = [line for line in self.text().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def one_request(self, choice: CacheChoice) -> None:
        """What is counted of one image of four steps, from its first step to its answer."""
        self.worker.job_taken(1)
        for outcome in ("full", "detail_hit", "structure_hit", "full"):
            self.worker.engine_said(BatchStepped(1, 0.02, (row(choice, outcome),)))
        self.worker.image_denoised(choice, 1.5)
        self.worker.image_ended("finished")
        self.jobs.ended(JobState.FINISHED)
        self.api.generation_done(choice, TIMINGS)
        self.api.request_done("/v1/images/generations", 200, 1.7)


def pair(tau1: float, tau2: float, preset: str = "custom") -> CacheChoice:
    return CacheChoice(preset, tau1, tau2)


def row(choice: CacheChoice, outcome: str = "full") -> RowStepped:
    """Of a model with 57 blocks, as FLUX.1 has them."""
    run = {"full": 57, "detail_hit": 20, "structure_hit": 2}[outcome]
    return RowStepped(choice, outcome, run, 57, run / 57)
