"""The composition root: the only place where the parts are put together; models and engine in files beside it."""

import asyncio
import logging
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

from prometheus_client import CollectorRegistry

from server.access.rates_memory import MemoryRates
from server.api.background import Background
from server.api.edge import Edge
from server.api.generation import LARGEST_SEED
from server.api.input_life import keep_inputs_alive
from server.api.parts import ApiLimits, ApiParts
from server.api.router import create_api
from server.app_access import access_of, signer_of, webhooks_of
from server.app_engine import LoadEngine
from server.app_models import label_rule
from server.catalogue import Catalogue
from server.engine.interface import Engine
from server.jobs.memory import MemoryQueue
from server.jobs.terms import QueueTerms
from server.loading import in_daemon_thread
from server.metrics.api import ApiMetrics
from server.metrics.jobs import JobMetrics
from server.metrics.registry import render_aside, tell_build
from server.metrics.worker import WorkerMetrics
from server.new_id import new_id
from server.pair_stats.memory import MemoryPairStats
from server.playground.files import read_files
from server.profile import ModelProfile
from server.readiness import Phase, Readiness
from server.results.memory import MemoryResults
from server.settings import Settings
from server.traces.interface import Traces
from server.traces.open import open_traces
from server.webhooks.outbox import ForgetfulOutbox
from server.worker.parts import WorkerParts
from server.worker.terms import WorkerTerms
from server.worker.worker import Worker

POLL_S = 0.02
EMBEDDED_LEASE_MS = 3_600_000
"""A worker that is lost takes the queue in its process along, so that a lease has little to guard."""
log = logging.getLogger(__name__)


@dataclass
class EmbeddedServer:
    """API, queue, results, worker and engine in one process, on one event loop beside the engine's threads."""

    settings: Settings
    profile: ModelProfile
    load_engine: LoadEngine
    readiness: Readiness = field(default_factory=Readiness)
    queue: MemoryQueue = field(init=False)
    results: MemoryResults = field(default_factory=lambda: MemoryResults(time.monotonic))
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    pair_stats: MemoryPairStats = field(default_factory=lambda: MemoryPairStats(time.time))
    background: Background = field(default_factory=Background)
    traces: Traces = field(init=False)
    _engine: Engine | None = None
    _worker: Worker | None = None
    _working: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        rule, jobs = label_rule(self.settings, self.profile), JobMetrics(self.registry)
        queue_terms = QueueTerms(EMBEDDED_LEASE_MS, patience_ms=round(1000 * self.settings.patience_s))
        self.queue = MemoryQueue(new_id, steady_clock(), queue_terms, on_end=jobs.ended)
        self._api_metrics = ApiMetrics(self.registry, rule)
        self._worker_metrics = WorkerMetrics(self.registry, rule)
        self._worker_metrics.batch_limit_is(self.settings.max_batch)
        tell_build(self.registry, version("h2serve"), self.profile.name)
        self.traces = open_traces(self.settings.otel_endpoint, version("h2serve"))

    def api(self) -> Edge:
        """The application to be served; it answers 503 until ``start`` is through."""
        return create_api(
            ApiParts(
                catalogue=Catalogue((self.profile,)),
                limits=api_limits(self.settings),
                queue=self.queue,
                results=self.results,
                metrics=self._api_metrics,
                render_metrics=self._render_metrics,
                pair_stats=self.pair_stats,
                log_line=write_line if self.settings.request_log else lambda line: None,
                access=access_of(self.settings, MemoryRates(time.monotonic)),
                signer=signer_of(self.settings),
                background=self.background,
                public_url=self.settings.public_url,
                heartbeat_s=self.settings.heartbeat_s,
                clock=time.monotonic,
                wall_clock=time.time,
                new_seed=lambda: secrets.randbelow(LARGEST_SEED + 1),
                new_id=new_id,
                images_per_s=lambda model: None if self._worker is None else self._worker.rate.images_per_s,
                most_pixels=lambda model: self.settings.max_pixels or None,
                has_started=lambda: self.readiness.started,
                not_ready=self._not_ready,
                not_accepting=self._not_ready,
                pages=read_files() if self.settings.playground else {},
                traces=self.traces,
                webhooks=webhooks_of(self.settings, ForgetfulOutbox()),
            )
        )

    async def start(self) -> None:
        """Load the model off the loop, start the worker, and be ready when the engine ticks."""
        engine = await in_daemon_thread(self.load_engine)
        terms = WorkerTerms(
            self.profile.name,
            "embedded",
            self.settings.result_ttl_s,
            most_pixels=self.settings.max_pixels or None,
            renew_each_s=1.0,
        )
        worker = Worker(
            WorkerParts(
                self.queue,
                self.results,
                engine,
                self._worker_metrics,
                self.pair_stats,
                terms,
                time.monotonic,
                self.traces,
            )
        )
        self._engine, self._worker = engine, worker
        self._working = asyncio.create_task(worker.run())
        while engine.last_tick_s is None and not self._working.done():
            await asyncio.sleep(POLL_S)
        if self._working.done():
            self._working.result()
        self.background.start(keep_inputs_alive(self.queue, self.results, self.settings.input_ttl_s))
        if self.readiness.phase is Phase.LOADING:
            self.readiness.phase = Phase.SERVING

    async def until_broken(self) -> None:
        """Return when the started worker has stopped by itself, which it does by an exception only."""
        assert self._working is not None
        await asyncio.wait({self._working})
        log.error("the worker stopped", exc_info=self._working.exception())

    async def drain(self) -> None:
        """Refuse new requests at once, let the accepted ones end within the grace time, then stop everything."""
        self.readiness.phase = Phase.DRAINING
        until_s = time.monotonic() + self.settings.shutdown_grace_s
        while self._is_working() and await self._has_work() and time.monotonic() < until_s:
            await asyncio.sleep(POLL_S)
        await self.queue.close()
        await self.background.close()
        if self._engine is not None:
            await asyncio.to_thread(self._engine.stop, max(0.0, until_s - time.monotonic()))
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
        await asyncio.to_thread(self.traces.close)

    async def _has_work(self) -> bool:
        depth = await self.queue.depth()
        return depth.images_waiting + depth.images_running > 0

    async def _render_metrics(self) -> bytes:
        self._api_metrics.workers_are(int(self._not_ready() is None))
        return await render_aside(self.registry)

    def _is_working(self) -> bool:
        return self._working is not None and not self._working.done()

    def _not_ready(self) -> str | None:
        if self.readiness.phase is Phase.SERVING and not self._is_working():
            return "the worker stopped"
        tick_s = None if self._engine is None else self._engine.last_tick_s
        return self.readiness.reason_not_ready(tick_s, time.monotonic())


def api_limits(settings: Settings) -> ApiLimits:
    """What the settings say of requests."""
    return ApiLimits(
        prompt_limit=settings.prompt_limit,
        body_limit_bytes=settings.body_limit_bytes,
        max_queue=settings.max_queue,
        log_prompts=settings.log_prompts,
        body_timeout_s=settings.body_timeout_s,
        upload_limit_bytes=settings.upload_limit_bytes,
        upload_limit_pixels=settings.upload_limit_pixels,
        input_ttl_s=settings.input_ttl_s,
        size_policy=settings.size_policy,
    )


def steady_clock() -> Callable[[], float]:
    """Seconds since 1970 that never jump: the wall clock of now, carried on by the monotonic one."""
    start_s = time.time() - time.monotonic()
    return lambda: start_s + time.monotonic()


def write_line(line: str) -> None:
    """To standard error."""
    print(line, file=sys.stderr, flush=True)
