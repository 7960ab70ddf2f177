"""The API process: HTTP in front of a queue in Redis. It loads no model and holds no job."""

import asyncio
import contextlib
import secrets
import time
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version

from prometheus_client import CollectorRegistry

from server.api.background import Background
from server.api.edge import Edge
from server.api.generation import LARGEST_SEED
from server.api.input_life import keep_inputs_alive
from server.api.parts import ApiParts
from server.api.router import create_api
from server.api.telling import make_rounds
from server.app import api_limits, write_line
from server.app_access import access_of, signer_of, webhooks_of
from server.app_models import label_rule
from server.catalogue import Catalogue
from server.cluster.stores import Stores
from server.cluster.watch import QUEUE, RESULTS, ClusterWatch
from server.errors import NotReady
from server.metrics.api import ApiMetrics
from server.metrics.registry import render_aside, tell_build
from server.new_id import new_id
from server.playground.files import read_files
from server.readiness import Phase
from server.settings import Settings
from server.traces.open import open_traces


@dataclass
class ApiServer:
    """Ready when Redis takes writes and, unless the settings say otherwise, a worker lives."""

    settings: Settings
    catalogue: Catalogue
    stores: Stores
    registry: CollectorRegistry
    phase: Phase = Phase.SERVING
    background: Background = field(default_factory=Background)
    _watching: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.watch = ClusterWatch(
            self.stores.queue,
            self.stores.results,
            self.catalogue,
            new_id(),
            needs_workers=not self.settings.ready_without_workers,
        )
        rule = label_rule(self.settings, *self.catalogue.listed)
        self._metrics = ApiMetrics(self.registry, rule)
        tell_build(self.registry, version("h2serve"), self.catalogue.default.name)
        self._traces = open_traces(self.settings.otel_endpoint, version("h2serve"))

    def api(self) -> Edge:
        """The application to be served."""
        return create_api(self.parts)

    @cached_property
    def parts(self) -> ApiParts:
        """What the application is made of. Raises SettingsError."""
        settings = self.settings
        return ApiParts(
            catalogue=self.catalogue,
            limits=api_limits(settings),
            queue=self.stores.queue,
            results=self.stores.results,
            metrics=self._metrics,
            render_metrics=self._render_metrics,
            pair_stats=self.stores.pair_stats,
            log_line=write_line if settings.request_log else lambda line: None,
            access=access_of(settings, self.stores.rates),
            signer=signer_of(settings),
            background=self.background,
            public_url=settings.public_url,
            heartbeat_s=settings.heartbeat_s,
            clock=time.monotonic,
            wall_clock=time.time,
            new_seed=lambda: secrets.randbelow(LARGEST_SEED + 1),
            new_id=new_id,
            images_per_s=self.watch.images_per_s,
            most_pixels=self.watch.most_pixels,
            has_started=lambda: True,
            not_ready=self._not_ready,
            not_accepting=self._not_accepting,
            traces=self._traces,
            pages=read_files() if settings.playground else {},
            webhooks=webhooks_of(settings, self.stores.outbox),
        )

    async def start(self) -> None:
        """Raises StartupError for a refused password. A Redis that is not there yet is waited for."""
        await self.stores.check()
        await self.watch.look()
        self._watching = asyncio.create_task(self.watch.run())
        if self.parts.webhooks is not None:
            self.background.start(make_rounds(self.parts, self.parts.webhooks))
        inputs = keep_inputs_alive(self.stores.queue, self.stores.results, self.settings.input_ttl_s)
        self.background.start(inputs)

    async def until_broken(self) -> None:
        """Return when the watch has stopped by itself, which it does by an exception only."""
        assert self._watching is not None
        await asyncio.wait({self._watching})

    async def drain(self) -> None:
        """Answer whoever waits with 503; their jobs live on, and are found again by their keys or ids.

        What was to be told of jobs' ends is left to the other processes.
        """
        self.phase = Phase.DRAINING
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        letters = set(self.parts.webhooks.in_hand) if self.parts.webhooks is not None else set()
        await self.background.close()
        with contextlib.suppress(NotReady):
            await self.stores.outbox.release(letters)
        await self.stores.close()
        await asyncio.to_thread(self._traces.close)

    def _not_ready(self) -> str | None:
        return f"the server is {self.phase}" if self.phase is Phase.DRAINING else self.watch.reason

    def _not_accepting(self) -> str | None:
        return f"the server is {self.phase}" if self.phase is Phase.DRAINING else self.watch.refused

    async def _render_metrics(self) -> bytes:
        self._metrics.workers_are(len(self.watch.workers))
        for store in (QUEUE, RESULTS):
            self._metrics.redis_is(store, store not in self.watch.refusals)
        return await render_aside(self.registry)
