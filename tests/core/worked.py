"""A worker at work on a queue in memory, for one scenario on one event loop."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from server.engine.interface import Engine
from server.jobs.event import Ended
from server.jobs.memory import MemoryQueue
from server.jobs.status import JobStatus
from server.jobs.submit import Accepted, Bounds
from server.metrics.thresholds import threshold_rule
from server.metrics.worker import WorkerMetrics
from server.pair_stats.memory import MemoryPairStats
from server.request import CacheChoice, ImageRequest, Job, OutputFormat
from server.results.interface import ResultStore
from server.results.memory import MemoryResults
from server.worker.parts import WorkerParts
from server.worker.terms import WorkerTerms
from server.worker.worker import Worker

MODEL = "flux-nano"
CHOICE = CacheChoice("custom", 0.1, 0.2, warmup=1)
TERMS = WorkerTerms(MODEL, "worker", result_ttl_s=60.0)


class Clock:
    """Time that passes when told to."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def job(job_id: str, images: int = 1, prompt: str = "a star", seed: int = 7) -> Job:
    request = ImageRequest(prompt, MODEL, images, 64, 96, 4, 2.5, seed, CHOICE, OutputFormat.WEBP, 80, "someone")
    return Job(job_id, request, 0)


@dataclass
class Worked:
    """The parts of one scenario."""

    queue: MemoryQueue
    results: ResultStore
    worker: Worker
    running: asyncio.Task[None]
    stats: MemoryPairStats
    clock: Clock
    registry: CollectorRegistry = field(repr=False)

    async def submit(self, *jobs: Job) -> None:
        for each in jobs:
            assert await self.queue.put(each, Bounds(1000, 1000)) == Accepted(each.id)

    async def end_of(self, job_id: str) -> Ended:
        """The terminal event, within a time limit."""
        async with asyncio.timeout(20):
            end = [event.what async for event in self.queue.events(job_id)][-1]
        assert isinstance(end, Ended)
        return end

    async def status_of(self, job_id: str) -> JobStatus:
        status = await self.queue.status(job_id)
        assert status is not None
        return status

    async def settle(self) -> None:
        """Let the loop run until what is under way has happened; nothing here waits for the outside."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for what threads or timers bring about, within a time limit."""
        async with asyncio.timeout(20):
            while not is_so():
                await asyncio.sleep(0.005)

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def new_tokens() -> Callable[[], str]:
    tokens = itertools.count()
    return lambda: f"token-{next(tokens)}"


@contextlib.asynccontextmanager
async def worked(
    engine: Engine,
    results: ResultStore | None = None,
    terms: WorkerTerms = TERMS,
    queue: MemoryQueue | None = None,
) -> AsyncIterator[Worked]:
    """A running worker; it and its engine are stopped at the end."""
    registry, clock = CollectorRegistry(), Clock()
    queue = queue or MemoryQueue(new_tokens(), clock)
    results = results or MemoryResults(clock)
    metrics = WorkerMetrics(registry, threshold_rule([], [(0.1, 0.2)], [0.5], [0.5]))
    stats = MemoryPairStats(clock)
    worker = Worker(WorkerParts(queue, results, engine, metrics, stats, terms, clock))
    running = asyncio.create_task(worker.run())
    try:
        yield Worked(queue, results, worker, running, stats, clock, registry)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        engine.stop(0.0)


def run_worked(
    scenario: Callable[[Worked], Awaitable[None]],
    engine: Engine,
    terms: WorkerTerms = TERMS,
    results: ResultStore | None = None,
    queue: MemoryQueue | None = None,
) -> None:
    """A scenario on an event loop of its own."""

    async def whole() -> None:
        async with worked(engine, results, terms, queue) as world:
            await scenario(world)

    asyncio.run(whole())
