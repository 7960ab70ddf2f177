"""How a job leaves this worker: finished, failed, handed back, cancelled or lost. Each job leaves once."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from server.engine.interface import SampleFinished
from server.jobs.interface import JobQueue
from server.jobs.lease import LeaseReport
from server.metrics.worker import WorkerMetrics
from server.pair_stats.interface import FinishedJob, PairStats, key_of
from server.request import JobResult
from server.results.inputs import input_keys
from server.traces.interface import Traces
from server.worker.book import Book
from server.worker.checkpoints import Checkpoints
from server.worker.patience import repeat
from server.worker.running import Running
from server.worker.storing import Storing

NOT_STORED = "the image was made but could not be stored"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """Calls to the queue are repeated while it is gone and the job is still ours. ``start`` runs a task."""

    queue: JobQueue
    book: Book
    storing: Storing
    checkpoints: Checkpoints
    metrics: WorkerMetrics
    pair_stats: PairStats
    traces: Traces
    start: Callable[[Coroutine[Any, Any, None]], None]

    async def image(self, job: Running, index: int, event: SampleFinished) -> None:
        """Bytes first, then the job's end: a finished job's images are there, and its previews were told."""
        async with job.showing:
            pass
        try:
            job.images[index] = await self.storing.image(job, index, event)
        except Exception:
            log.exception("an image of job %s could not be stored", job.id)
            await self.fail(job, NOT_STORED)
            return
        self.traces.image(job.lease.job.traceparent, job.images[index])
        self.metrics.result_stored(len(event.image))
        self.metrics.image_denoised(job.lease.job.request.cache, event.denoise_ms / 1000)
        if len(job.images) == job.num_images:
            await self._finish(job)

    async def _finish(self, job: Running) -> None:
        """Recorded where the lease was still ours: a stale end is another worker's."""
        if not self._claim(job):
            return
        result = job.result()
        if await repeat(lambda: self.queue.finish(job.lease, result), lambda: self.book.is_ours(job)):
            await self.pair_stats.record(self._finished(job, result))
            await self._forget(job, [*self.checkpoints.keys_of(job), *input_keys(job.lease.job.request)])
        elif self.book.is_ours(job):
            await self._ask_why(job)
        self._let_go(job)

    async def _ask_why(self, job: Running) -> None:
        """The end was refused: the lease says whether by a cancellation, whose images nobody wants."""
        report = await repeat(lambda: self.queue.renew([job.lease]), lambda: self.book.is_ours(job))
        if report is not None:
            self.drop(report, [job])

    async def fail(self, job: Running, message: str) -> None:
        """End the job with an error fit for the client, and forget what was made of it."""
        if not self._claim(job):
            return
        if await repeat(lambda: self.queue.fail(job.lease, message), lambda: self.book.is_ours(job)):
            await self._forget(job, self._blobs_of(job))
        self._let_go(job)

    async def give_back(self, jobs: Iterable[Running], died: Collection[str] = ()) -> None:
        """Hand jobs back; who takes one over goes on from its checkpoints.

        Those of ``died`` count as killed with their worker: one of them may have done it, and would do it again.
        """
        mine = [job for job in jobs if self._claim(job)]
        await asyncio.gather(*(self._release(job, job.id in died) for job in mine))

    async def _release(self, job: Running, died: bool) -> None:
        await repeat(lambda: self.queue.release(job.lease, died), lambda: self.book.is_ours(job))
        self._let_go(job)

    def drop(self, report: LeaseReport, jobs: Iterable[Running]) -> None:
        """What is cancelled is forgotten. A lost job's blobs may be its result's: they expire by themselves."""
        gone = [job for job in jobs if job.id in report.gone and self.book.is_ours(job)]
        self.metrics.leases_lost(sum(job.id in report.lost for job in gone))
        for job in gone:
            self._let_go(job)
            if job.id in report.cancelled:
                self.start(self._forget(job, self._blobs_of(job)))

    async def _forget(self, job: Running, keys: list[str]) -> None:
        """Delete blobs of a job that has ended, after the checkpoint that is being stored, if there is one."""
        async with job.saving:
            await self.storing.forget(keys)

    def _claim(self, job: Running) -> bool:
        """True for the first who ends the job."""
        is_first = self.book.is_ours(job) and not job.is_ending
        job.is_ending = job.is_ending or is_first
        return is_first

    def _let_go(self, job: Running) -> None:
        self.checkpoints.forget(job)
        self.book.let_go(job)

    def _blobs_of(self, job: Running) -> list[str]:
        made = [image.result_key for image in job.images.values()]
        return [*made, *self.checkpoints.keys_of(job), *input_keys(job.lease.job.request)]

    def _finished(self, job: Running, result: JobResult) -> FinishedJob:
        choice = job.lease.job.request.cache
        key = key_of(self.metrics.labels_of(choice).preset, choice)
        return FinishedJob(
            job.lease.job.tenant,
            key,
            tuple(image.counts for image in result.images),
            result.timings.total_ms / 1000,
        )
