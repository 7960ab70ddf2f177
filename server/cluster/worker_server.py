"""The worker process: one engine, its jobs from Redis, and a small HTTP port of its own."""

import asyncio
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import uvicorn
from prometheus_client import CollectorRegistry

from server.app_engine import LoadEngine
from server.app_models import label_rule, served_models
from server.cluster.stores import Stores
from server.engine.interface import Engine
from server.http_server import http_config
from server.loading import in_daemon_thread
from server.metrics.registry import render_aside, tell_build
from server.metrics.worker import WorkerMetrics
from server.profile import ModelProfile
from server.serve import QuietServer
from server.settings import Settings
from server.traces.open import open_traces
from server.worker.leave import leave
from server.worker.parts import WorkerParts
from server.worker.port import create_port
from server.worker.terms import CheckpointKind, CheckpointTerms, WorkerTerms
from server.worker.worker import Worker

RENEWALS_A_LEASE = 5


@dataclass
class WorkerServer:
    """``listening`` is the port's socket. The first SIGTERM gives jobs the grace time, the second none."""

    settings: Settings
    profile: ModelProfile
    stores: Stores
    load_engine: LoadEngine
    listening: socket.socket
    registry: CollectorRegistry
    _worker: Worker | None = None

    def __post_init__(self) -> None:
        self._traces = open_traces(self.settings.otel_endpoint, version("h2serve"))

    async def serve(self, on_ready: Callable[[str], None]) -> None:
        """Until a signal. ``on_ready`` is told the name. Raises StartupError, and what breaks the worker."""
        stop, hurry = asyncio.Event(), asyncio.Event()

        def signalled() -> None:
            (hurry if stop.is_set() else stop).set()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, signalled)
        http = QuietServer(self._http())
        answering = asyncio.create_task(http.serve(sockets=[self.listening]))
        try:
            await self._work(stop, hurry, on_ready)
        finally:
            http.should_exit = True
            await answering
            await self.stores.close()
            await asyncio.to_thread(self._traces.close)

    async def _work(self, stop: asyncio.Event, hurry: asyncio.Event, on_ready: Callable[[str], None]) -> None:
        """Load, work, leave. A model that is still loading is not waited for."""
        await self.stores.check()
        loading = asyncio.create_task(in_daemon_thread(self.load_engine))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not loading.done():
                return
            engine = loading.result()
            worker = self._worker = Worker(self._parts(engine))
            working = asyncio.create_task(worker.run())
            on_ready(worker.info.worker)
            leaving = asyncio.create_task(worker.leaving.wait())
            await asyncio.wait({working, stopping, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await leave(worker, self.settings.shutdown_grace_s, hurry, time.monotonic)
                await worker.say_goodbye()
            leaving.cancel()
            working.cancel()
            await asyncio.to_thread(engine.stop, 0.0)
            await asyncio.gather(working, return_exceptions=True)
            if not working.cancelled():
                working.result()
        finally:
            loading.cancel()
            stopping.cancel()

    def _parts(self, engine: Engine) -> WorkerParts:
        settings = self.settings
        # The API's rule, so that a pair has the same labels on both sides, but with this model's presets first.
        rule = label_rule(settings, self.profile, *served_models(settings).listed)
        metrics = WorkerMetrics(self.registry, rule)
        metrics.batch_limit_is(settings.max_batch)
        tell_build(self.registry, version("h2serve"), self.profile.name)
        return WorkerParts(
            self.stores.queue,
            self.stores.results,
            engine,
            metrics,
            self.stores.pair_stats,
            worker_terms(settings, self.profile, self.listening),
            time.monotonic,
            self._traces,
        )

    def _http(self) -> uvicorn.Config:
        app = create_port(self._why_dead, self._why_not_ready, lambda: render_aside(self.registry))
        return http_config(app, self.settings.head_timeout_s)

    def _why_dead(self) -> str | None:
        """An engine that hangs does not come back: whoever looks at this should start a new process."""
        worker = self._worker
        return None if worker is None or worker.has_pulse else "the engine's loop does not tick"

    def _why_not_ready(self) -> str | None:
        if self._worker is None:
            return "the model is not loaded yet"
        return "the worker is leaving" if self._worker.leaving.is_set() else None


def worker_terms(settings: Settings, profile: ModelProfile, listening: socket.socket) -> WorkerTerms:
    """What the settings say, under a name that no other worker has."""
    host, port = listening.getsockname()[:2]
    megabyte = 2**20
    return WorkerTerms(
        model=profile.name,
        name=f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(3)}",
        result_ttl_s=settings.result_ttl_s,
        version=version("h2serve"),
        max_images=settings.max_batch,
        most_pixels=settings.max_pixels or None,
        address=f"{host}:{port}",
        profile=profile.model_dump_json(),
        renew_each_s=settings.lease_s / RENEWALS_A_LEASE,
        stalled_after_s=settings.stalled_after_s,
        ends_when_hung=True,
        checkpoints=CheckpointTerms(
            CheckpointKind(settings.checkpoint),
            settings.checkpoint_each_steps,
            settings.checkpoint_interval_s,
            settings.checkpoint_full_up_to_mb * megabyte,
            settings.checkpoint_budget_mb * megabyte,
        ),
    )
