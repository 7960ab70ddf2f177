"""The worker: takes jobs, feeds the engine, publishes progress and results. Owns one engine."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from server.admission import ServiceRate
from server.engine.interface import (
    Engine,
    EngineEvent,
    SampleDropped,
    SampleFailed,
    SampleFinished,
    SampleOrder,
    SampleStepped,
)
from server.jobs.fit import Room
from server.jobs.interface import JobQueue
from server.jobs.lease import Lease, Progress
from server.metrics.worker import WorkerMetrics
from server.pair_stats.interface import FinishedJob, PairStats, key_of
from server.request import ImageResult, JobResult, Timings
from server.results.interface import ResultStore

RENEW_EACH_S = 1.0
NOT_STORED = "the image was made but could not be stored"
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass
class Running:
    """A job under way: what was given to the engine, what has come back."""

    lease: Lease
    taken_s: float
    submitted: int = 0
    steps: dict[int, int] = field(default_factory=dict)
    images: dict[int, ImageResult] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.lease.job.id

    @property
    def num_images(self) -> int:
        return self.lease.job.request.num_images

    def orders(self, count: int) -> list[SampleOrder]:
        """The next ``count`` samples; image k has seed + k."""
        request = self.lease.job.request
        first = self.submitted
        self.submitted = min(self.num_images, first + count)
        return [
            SampleOrder(
                sample_id=f"{self.id}:{index}",
                prompt=request.prompt,
                width=request.width,
                height=request.height,
                steps=request.steps,
                guidance=request.guidance,
                seed=request.seed + index,
                cache=request.cache,
                output_format=request.output_format,
                output_compression=request.output_compression,
                model=request.model,
            )
            for index in range(first, self.submitted)
        ]


class Worker:
    """Runs on one event loop; the engine's threads hand their events over to it."""

    def __init__(
        self,
        queue: JobQueue,
        results: ResultStore,
        engine: Engine,
        metrics: WorkerMetrics,
        pair_stats: PairStats,
        model: str,
        result_ttl_s: float,
        clock: Callable[[], float],
        name: str = "embedded",
    ) -> None:
        self._queue, self._results, self._engine = queue, results, engine
        self._metrics, self._model, self._ttl_s, self._clock = metrics, model, result_ttl_s, clock
        self._pair_stats = pair_stats
        self._name = name
        self._running: dict[str, Running] = {}
        self._events: asyncio.Queue[EngineEvent] = asyncio.Queue()
        self.rate = ServiceRate()

    async def run(self) -> None:
        """Until cancelled: take, feed, renew, and handle what the engine says."""
        loop = asyncio.get_running_loop()
        self._engine.start(
            lambda event: _hand_over(loop, self._events.put_nowait, event),
            lambda fact: _hand_over(loop, self._metrics.engine_said, fact),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_and_renew())
            tasks.create_task(self._handle_events())

    async def _take_and_renew(self) -> None:
        while True:
            await self._fill()
            await self._renew()
            await self._queue.wait_for_work(self._model, RENEW_EACH_S)

    async def _handle_events(self) -> None:
        while True:
            event = await self._events.get()
            job_id, _, index = event.sample_id.rpartition(":")
            job = self._running.get(job_id)
            if job is not None:
                await self._handle_safely(job, int(index), event)
            if not isinstance(event, SampleStepped):
                self._metrics.image_ended(_end_of(event))
                # A place came free: fill it now rather than at the next renewal.
                await self._fill()
                if not self._running:
                    self.rate = self.rate.idle()

    async def _fill(self) -> None:
        """Give the engine what it has room for: the rest of the jobs under way, then new ones."""
        self._feed()
        for lease in await self._queue.take(self._room(), self._model, self._name):
            self._running[lease.job.id] = Running(lease, self._clock())
            self._metrics.job_taken(lease.attempt)
            self.rate = self.rate.began(self._clock())
        self._feed()

    def _room(self) -> Room:
        """None beside a job that has to run alone."""
        is_alone = any(job.lease.alone for job in self._running.values())
        return Room(0 if is_alone else self._engine.free_slots(), idle=not self._running)

    def _feed(self) -> None:
        """Submit samples of the jobs under way, in the order in which these were taken."""
        free = self._engine.free_slots()
        for job in self._running.values():
            if free <= 0:
                return
            for order in job.orders(free):
                self._engine.submit(order)
                free -= 1

    async def _renew(self) -> None:
        report = await self._queue.renew([job.lease for job in self._running.values()])
        self._metrics.leases_lost(len(report.lost))
        for job_id in report.gone:
            await self._drop(job_id)

    async def _drop(self, job_id: str) -> None:
        """Take a job's samples back from the engine, whose last events are then of no interest, and its images."""
        job = self._running.pop(job_id, None)
        if job is None:
            return
        for index in range(job.submitted):
            self._engine.cancel(f"{job_id}:{index}")
        for image in job.images.values():
            await self._results.delete(image.result_key)

    async def _handle_safely(self, job: Running, index: int, event: EngineEvent) -> None:
        """What goes wrong with one job, a full results store for instance, ends that job and no other."""
        try:
            await self._handle(job, index, event)
        except Exception:
            log.exception("an event of job %s could not be handled", job.id)
            await self._queue.fail(job.lease, NOT_STORED)
            await self._drop(job.id)

    async def _handle(self, job: Running, index: int, event: EngineEvent) -> None:
        match event:
            case SampleStepped():
                await self._progress(job, index, event)
            case SampleFinished():
                await self._image(job, index, event)
            case SampleFailed():
                await self._queue.fail(job.lease, event.message)
                await self._drop(job.id)
            case SampleDropped():
                await self._queue.release(job.lease)
                await self._drop(job.id)

    async def _progress(self, job: Running, index: int, event: SampleStepped) -> None:
        job.steps[index] = event.step
        total = event.num_steps * job.num_images
        report = await self._queue.progress([Progress(job.lease, sum(job.steps.values()), total)])
        for job_id in report.gone:
            await self._drop(job_id)

    async def _image(self, job: Running, index: int, event: SampleFinished) -> None:
        """Bytes first, then the job's end: a finished job's images are there."""
        self.rate = self.rate.finished(self._clock())
        key, seed = f"{job.id}/{index}", job.lease.job.request.seed + index
        await self._results.put(key, event.image, self._ttl_s)
        self._metrics.result_stored(len(event.image))
        self._metrics.image_denoised(job.lease.job.request.cache, event.denoise_ms / 1000)
        timings = self._timings(job, event)
        job.images[index] = ImageResult(index, seed, key, event.counts, timings, event.text_tokens)
        if len(job.images) == job.num_images:
            await self._finish(job)

    async def _finish(self, job: Running) -> None:
        """All images are there. Recorded where the lease was still ours: a stale end is another worker's."""
        result = JobResult(tuple(job.images[k] for k in sorted(job.images)))
        if await self._queue.finish(job.lease, result):
            await self._pair_stats.record(self._finished(job, result))
        self._running.pop(job.id, None)

    def _finished(self, job: Running, result: JobResult) -> FinishedJob:
        choice = job.lease.job.request.cache
        key = key_of(self._metrics.labels_of(choice).preset, choice)
        return FinishedJob(key, tuple(image.counts for image in result.images), result.timings.total_ms / 1000)

    def _timings(self, job: Running, event: SampleFinished) -> Timings:
        """Queueing is all of the time that the engine does not account for."""
        total_ms = job.lease.waited_ms + 1000 * (self._clock() - job.taken_s)
        worked_ms = event.encode_ms + event.denoise_ms + event.decode_ms
        return Timings(
            queue_ms=max(0.0, total_ms - worked_ms),
            encode_ms=event.encode_ms,
            denoise_ms=event.denoise_ms,
            decode_ms=event.decode_ms,
            total_ms=total_ms,
        )


def _hand_over(loop: asyncio.AbstractEventLoop, receive: Callable[[T], None], item: T) -> None:
    """Call ``receive`` on the loop; a loop that is closed has nobody left to tell."""
    try:
        loop.call_soon_threadsafe(receive, item)
    except RuntimeError:
        log.debug("event after the loop's end")


def _end_of(event: EngineEvent) -> str:
    match event:
        case SampleFinished():
            return "finished"
        case SampleFailed():
            return "failed"
        case _:
            return "dropped"
