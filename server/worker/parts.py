"""What a worker is put together from."""

from collections.abc import Callable
from dataclasses import dataclass, field

from server.engine.interface import Engine
from server.jobs.interface import JobQueue
from server.metrics.worker import WorkerMetrics
from server.pair_stats.interface import PairStats
from server.results.interface import ResultStore
from server.traces.interface import NoTraces, Traces
from server.worker.terms import WorkerTerms


@dataclass(frozen=True)
class WorkerParts:
    """``clock`` gives seconds and never goes back."""

    queue: JobQueue
    results: ResultStore
    engine: Engine
    metrics: WorkerMetrics
    pair_stats: PairStats
    terms: WorkerTerms
    clock: Callable[[], float]
    traces: Traces = field(default_factory=NoTraces)
