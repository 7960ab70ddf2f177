"""The worker: takes jobs, feeds the engine, publishes progress and hands results in. Owns one engine.

What the engine says is handled by one task in order. Whatever may wait for the queue or the store for longer has a
task of its own, so that the others go on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any

from server.admission import ServiceRate
from server.endless import goes_on
from server.engine.interface import (
    BatchStepped,
    DeviceLost,
    EngineEvent,
    EngineFact,
    SampleDropped,
    SampleEvent,
    SampleFailed,
    SampleFinished,
    SamplePreviewed,
    SampleResumed,
    SampleSaved,
    SampleStepped,
)
from server.errors import ServerError
from server.jobs.workers import WorkerInfo
from server.request import Resumed
from server.worker.book import Book
from server.worker.checkpoints import Checkpoints
from server.worker.ending import Ending
from server.worker.events import Woken, end_of, hand_over
from server.worker.inputs import Inputs
from server.worker.parts import WorkerParts
from server.worker.patience import GONE
from server.worker.previews import Previews
from server.worker.reporting import Reporting
from server.worker.rules import smoothed, ticks
from server.worker.running import Running
from server.worker.storing import Storing
from server.worker.taking import Taking
from server.worker.upkeep import Upkeep

log = logging.getLogger(__name__)


class LostDevice(ServerError):
    """The device is useless; the process has to be started again."""


class Worker:
    """Runs on one event loop; the engine's threads hand their events over to it."""

    def __init__(self, parts: WorkerParts) -> None:
        queue, terms, clock = parts.queue, parts.terms, parts.clock
        self._engine, self._metrics, self._terms, self._clock = parts.engine, parts.metrics, terms, clock
        self._events: asyncio.Queue[EngineEvent | Woken] = asyncio.Queue()
        self._tasks = asyncio.TaskGroup()
        self.rate = ServiceRate()
        self.step_s: float | None = None
        self.leaving = asyncio.Event()
        """Set when it takes no more jobs."""
        self.book = Book(parts.engine, self._has_left, terms.most_pixels)
        self.checkpoints = Checkpoints(parts.engine, parts.results, terms.checkpoints, clock)
        storing = Storing(parts.results, self.book.is_ours, clock, terms.result_ttl_s, terms.store_patience_s)
        self.ending = Ending(
            queue, self.book, storing, self.checkpoints, parts.metrics, parts.pair_stats, parts.traces, self._start
        )
        self.reporting = Reporting(queue, self.book, self.ending.drop)
        self._previews = Previews(parts.results, self.reporting, terms.result_ttl_s)
        inputs = Inputs(parts.results, self.ending, self._start)
        self._taking = Taking(
            queue, self.book, self.checkpoints, inputs, terms, clock, self._wake, self._has_taken
        )
        self._upkeep = Upkeep(
            queue,
            self.book,
            terms.renew_each_s,
            clock,
            lambda: self.has_pulse,
            terms.stalled_after_s if terms.ends_when_hung else None,
            lambda: self.info,
            self.ending.drop,
            self.leaving.set,
        )

    async def run(self) -> None:
        """Until cancelled. Raises LostDevice, after every job was handed back, HungEngine, and what breaks it."""
        loop = asyncio.get_running_loop()
        self._engine.start(
            lambda event: hand_over(loop, self._events.put_nowait, event),
            lambda fact: hand_over(loop, self._observe, fact),
        )
        try:
            async with self._tasks as tasks:
                for work in (self._handle_events, self._taking.watch, self._upkeep.renew, self._upkeep.beat):
                    tasks.create_task(work())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group

    def close(self) -> None:
        """Take no more jobs."""
        self.leaving.set()
        self._taking.is_closed = True

    async def say_goodbye(self) -> None:
        """Let the last heartbeat end now."""
        with contextlib.suppress(*GONE):
            await self._upkeep.queue.announce(self.info, 1)

    @property
    def has_pulse(self) -> bool:
        """True while the engine's loop turns."""
        return ticks(self._engine.last_tick_s, self._clock(), self._terms.stalled_after_s)

    @property
    def info(self) -> WorkerInfo:
        """What the heartbeat says."""
        terms = self._terms
        return WorkerInfo(
            worker=terms.name,
            model=terms.model,
            version=terms.version,
            max_images=terms.max_images,
            running=len(self.book.samples),
            most_pixels=terms.most_pixels,
            address=terms.address,
            draining=self.leaving.is_set(),
            images_per_s=self.rate.images_per_s,
            profile=terms.profile,
        )

    async def _handle_events(self) -> None:
        """The engine's borders: note what it did, tell the queue, give it more."""
        await self._taking.fill()
        while goes_on():
            for event in await self._next_events():
                if isinstance(event, DeviceLost):
                    await self._lose_device(event)
                elif not isinstance(event, Woken):
                    self._note(event)
            await self.reporting.publish()
            await self._taking.fill()

    async def _next_events(self) -> list[EngineEvent | Woken]:
        """All that have come: of several steps only the last is published."""
        events = [await self._events.get()]
        while not self._events.empty():
            events.append(self._events.get_nowait())
        return events

    def _note(self, event: SampleEvent) -> None:
        """Handle what one sample did."""
        end = end_of(event)
        if end is not None and self.book.has_ended(event.sample_id):
            self._taking.may_have_work = True
            self._metrics.image_ended(end)
        found = self.book.find(event.sample_id)
        if found is None:
            return
        job, index = found
        match event:
            case SampleStepped():
                job.stepped(index, event)
                self.reporting.note(job)
                self.checkpoints.after_step(job, index)
            case SampleResumed():
                job.resumed[index] = Resumed(event.step, event.is_exact)
                self._metrics.resumed("full" if event.is_exact else "latents")
            case SamplePreviewed():
                self._start(self._previews.show(job, index, event))
            case SampleSaved():
                self._start(self._keep(job, index, event))
            case SampleFinished():
                self.rate = self.rate.finished(self._clock())
                self._start(self.ending.image(job, index, event))
            case SampleFailed():
                self._start(self.ending.fail(job, event.message))
            case SampleDropped():
                self._start(self.ending.give_back([job]))

    async def _keep(self, job: Running, index: int, event: SampleSaved) -> None:
        """A checkpoint that cannot be kept costs the steps since the last one, if the worker dies."""
        try:
            await self.checkpoints.keep(job, index, event)
        except Exception as error:
            log.warning("a checkpoint of job %s could not be kept: %s", job.id, error)
        self.reporting.note(job)
        await self.reporting.publish()

    async def _lose_device(self, event: DeviceLost) -> None:
        """Hand everything back, and break."""
        log.error("the device is lost: %s", event.message)
        self.close()
        suspects = {sample_id.partition(":")[0] for sample_id in event.suspects}
        await self.ending.give_back(list(self.book.jobs.values()), suspects)
        raise LostDevice(f"the device is lost: {event.message}")

    def _has_taken(self, job: Running) -> None:
        self._metrics.job_taken(job.lease.attempt)
        self.rate = self.rate.began(self._clock())

    def _has_left(self) -> None:
        """A job has left the book; where the engine has nothing, there is no border to look for the next."""
        if not self.book.jobs:
            self.rate = self.rate.idle()
        if not self.book.samples:
            self._wake()

    def _wake(self) -> None:
        self._events.put_nowait(Woken())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.create_task(work)

    def _observe(self, fact: EngineFact) -> None:
        if isinstance(fact, BatchStepped):
            self.step_s = smoothed(self.step_s, fact.seconds)
        self._metrics.engine_said(fact)
