"""Progress to the queue: one call a step for the whole batch."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from server.jobs.interface import JobQueue
from server.jobs.lease import LeaseReport
from server.worker.book import Book
from server.worker.patience import GONE
from server.worker.running import Running


@dataclass
class Reporting:
    """``on_gone`` is told which of the jobs' leases the queue no longer holds for ours."""

    queue: JobQueue
    book: Book
    on_gone: Callable[[LeaseReport, Sequence[Running]], None]
    _changed: dict[str, Running] = field(default_factory=dict)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def note(self, job: Running) -> None:
        """There is something new of the job."""
        self._changed[job.id] = job

    async def publish(self) -> None:
        """Tell all that is new. What cannot be told now is told with the next step."""
        async with self._one_at_a_time:
            jobs = [job for job in self._changed.values() if self.book.is_ours(job)]
            self._changed.clear()
            if not jobs:
                return
            told = {job.id: (len(job.unsent), len(job.unshown)) for job in jobs}
            try:
                report = await self.queue.progress([each for job in jobs for each in job.progress()])
            except GONE:
                self._changed = {**{job.id: job for job in jobs}, **self._changed}
                return
            for job in jobs:
                checkpoints, previews = told[job.id]
                del job.unsent[:checkpoints]
                del job.unshown[:previews]
        self.on_gone(report, jobs)
