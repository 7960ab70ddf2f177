"""The API over a queue that the test itself works on, without a worker, an engine or a socket."""

import asyncio
import itertools
from collections.abc import Callable

import httpx
from prometheus_client import CollectorRegistry

from server.access.access import Access
from server.access.rates_memory import MemoryRates
from server.api.background import Background
from server.api.parts import ApiLimits, ApiParts
from server.api.router import create_api
from server.api.url_signer import UrlSigner
from server.catalogue import Catalogue
from server.jobs.fit import Room
from server.jobs.interface import JobQueue
from server.jobs.lease import Lease
from server.jobs.memory import MemoryQueue
from server.metrics.api import ApiMetrics
from server.metrics.registry import render_aside
from server.metrics.thresholds import threshold_rule
from server.pair_stats.memory import MemoryPairStats
from server.playground.files import read_files
from server.profile import load_profile
from server.request import CacheCounts, ImageResult, JobResult, Timings
from server.results.memory import MemoryResults
from server.webhooks.webhooks import Webhooks

PATIENCE_S = 10.0


def new_queue(clock: Callable[[], float] = lambda: 1000.0) -> MemoryQueue:
    tokens = itertools.count()
    return MemoryQueue(lambda: str(next(tokens)), clock)


def api_parts(
    queue: JobQueue,
    *,
    seed: int = 7,
    not_ready: Callable[[], str | None] = lambda: None,
    log_line: Callable[[str], None] = lambda line: None,
    log_prompts: bool = False,
    access: Access | None = None,
    heartbeat_s: float = 15.0,
    webhooks: Webhooks | None = None,
    most_pixels: int | None = None,
    catalogue: Catalogue | None = None,
) -> ApiParts:
    """Parts with a stopped clock and ids that count."""
    ids, registry = itertools.count(), CollectorRegistry()
    return ApiParts(
        catalogue=catalogue or Catalogue((load_profile("flux-nano"),)),
        limits=ApiLimits(prompt_limit=4000, body_limit_bytes=2**21, max_queue=16, log_prompts=log_prompts),
        queue=queue,
        results=MemoryResults(lambda: 0.0),
        metrics=ApiMetrics(registry, threshold_rule([], [], [0.5], [0.5])),
        render_metrics=lambda: render_aside(registry),
        pair_stats=MemoryPairStats(lambda: 1000.9),
        log_line=log_line,
        signer=UrlSigner(b"secret", 600.0, lambda: 1000.9),
        background=Background(),
        public_url="",
        heartbeat_s=heartbeat_s,
        access=access or Access(MemoryRates(lambda: 0.0)),
        clock=lambda: 0.0,
        wall_clock=lambda: 1000.9,
        new_seed=lambda: seed,
        new_id=lambda: f"{next(ids):032x}",
        images_per_s=lambda model: 2.0,
        most_pixels=lambda model: most_pixels,
        has_started=lambda: not_ready() is None,
        not_ready=not_ready,
        not_accepting=not_ready,
        pages=read_files(),
        webhooks=webhooks,
    )


def client_of(parts: ApiParts) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_api(parts)), base_url="http://api")


async def next_lease(queue: JobQueue) -> Lease:
    """The job that the request under test has put into the queue, within a time limit."""
    async with asyncio.timeout(PATIENCE_S):
        while not (leases := await queue.take(Room(16), "flux-nano", "test")):
            await queue.wait_for_work("flux-nano", PATIENCE_S)
    return leases[0]


def result_of(lease: Lease, total_ms: tuple[float, ...] = (50.0,), nonfinite: bool = False) -> JobResult:
    """A result with one image for every total, under keys that count."""
    return JobResult(
        tuple(
            ImageResult(
                index,
                lease.job.request.seed + index,
                f"key-{index}",
                CacheCounts(4, 2, 1, 1, 30, 60, 0.25 * (index + 1), nonfinite),
                Timings(queue_ms=1.0, encode_ms=2.0, denoise_ms=total - 6.0, decode_ms=3.0, total_ms=total),
                text_tokens=9,
            )
            for index, total in enumerate(total_ms)
        )
    )
