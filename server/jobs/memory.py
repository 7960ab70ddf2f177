"""The job queue in this process's memory; every call runs on one event loop."""

import asyncio
import bisect
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from server.jobs.interface import JobEvent, JobState, Lease, LeaseReport, QueueDepth
from server.request import Job, JobResult


@dataclass
class _Entry:
    """A job and everything known of it. ``place`` is its number in the order of arrival."""

    job: Job
    event: JobEvent
    place: int
    token: str | None = None
    attempts: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def state(self) -> JobState:
        return self.event.state

    def tell(self, event: JobEvent) -> None:
        """Wake the watchers; a watcher that was asleep sees the latest only."""
        self.event = event
        self.changed.set()
        self.changed = asyncio.Event()


class MemoryQueue:
    """First come, first served. Ended jobs are kept for late watchers, the last ``keep_ended`` of them."""

    def __init__(self, new_token: Callable[[], str], keep_ended: int = 256) -> None:
        self._new_token = new_token
        self._keep_ended = keep_ended
        self._entries: dict[str, _Entry] = {}
        self._line: list[str] = []
        self._places = itertools.count()
        self._ended: deque[str] = deque()
        self._work = asyncio.Event()
        self._closed = False

    async def put(self, job: Job, max_images_waiting: int) -> bool:
        """See JobQueue."""
        if job.id in self._entries:
            return True
        waiting = (await self.depth()).images_waiting
        if waiting + job.request.num_images > max_images_waiting:
            return False
        self._entries[job.id] = _Entry(job, JobEvent(JobState.QUEUED), next(self._places))
        self._line.append(job.id)
        self._work.set()
        return True

    async def take(self, max_images: int, model: str) -> list[Lease]:
        """See JobQueue."""
        leases: list[Lease] = []
        room = max_images
        for job_id in [job_id for job_id in self._line if self._entries[job_id].job.request.model == model]:
            entry = self._entries[job_id]
            images = entry.job.request.num_images
            if room < 1 or (leases and images > room):
                break
            room -= images
            self._line.remove(job_id)
            entry.token, entry.attempts = self._new_token(), entry.attempts + 1
            entry.tell(JobEvent(JobState.RUNNING))
            leases.append(Lease(entry.job, entry.token, entry.attempts))
        return leases

    async def renew(self, leases: Sequence[Lease]) -> LeaseReport:
        """See JobQueue. A lease in memory does not run out."""
        gone = {lease.job.id for lease in leases if self._held(lease) is None}
        cancelled = {job_id for job_id in gone if self._is_cancelled(job_id)}
        return LeaseReport(frozenset(gone - cancelled), frozenset(cancelled))

    async def progress(self, lease: Lease, step: int, num_steps: int) -> None:
        """See JobQueue."""
        entry = self._held(lease)
        if entry is not None:
            entry.tell(JobEvent(JobState.RUNNING, step, num_steps))

    async def finish(self, lease: Lease, result: JobResult) -> bool:
        """See JobQueue."""
        return self._end(lease, JobEvent(JobState.FINISHED, result=result))

    async def fail(self, lease: Lease, error: str) -> bool:
        """See JobQueue."""
        return self._end(lease, JobEvent(JobState.FAILED, error=error))

    async def release(self, lease: Lease) -> bool:
        """See JobQueue."""
        entry = self._held(lease)
        if entry is None:
            return False
        entry.token, entry.attempts = None, entry.attempts - 1
        bisect.insort(self._line, lease.job.id, key=lambda job_id: self._entries[job_id].place)
        entry.tell(JobEvent(JobState.QUEUED))
        self._work.set()
        return True

    async def cancel(self, job_id: str) -> bool:
        """See JobQueue."""
        entry = self._entries.get(job_id)
        if entry is None or entry.state.is_terminal:
            return entry is not None and entry.state is JobState.CANCELLED
        if entry.state is JobState.QUEUED:
            self._line.remove(job_id)
        self._close(entry, JobEvent(JobState.CANCELLED))
        self._work.set()
        return True

    async def events(self, job_id: str) -> AsyncIterator[JobEvent]:
        """See JobQueue."""
        entry = self._entries.get(job_id)
        while entry is not None:
            event, changed = entry.event, entry.changed
            yield event
            if event.state.is_terminal or self._closed:
                return
            if entry.event is event:
                await changed.wait()

    async def wait_for_work(self, timeout_s: float) -> None:
        """See JobQueue."""
        # asyncio.wait_for of Python 3.11 swallows a cancellation that comes in the turn in which the wait ends.
        try:
            async with asyncio.timeout(timeout_s):
                await self._work.wait()
        except TimeoutError:
            return
        self._work.clear()

    async def depth(self) -> QueueDepth:
        """See JobQueue."""
        waiting = [self._entries[job_id].job.request.num_images for job_id in self._line]
        held = [entry.job.request.num_images for entry in self._entries.values() if entry.token is not None]
        return QueueDepth(sum(waiting), sum(held), len(waiting))

    async def close(self) -> None:
        """Nothing to let go of; watchers are woken and end."""
        self._closed = True
        for entry in self._entries.values():
            entry.changed.set()
        self._work.set()

    def _held(self, lease: Lease) -> _Entry | None:
        """The entry while the lease is still its own."""
        entry = self._entries.get(lease.job.id)
        return entry if entry is not None and entry.token == lease.token else None

    def _is_cancelled(self, job_id: str) -> bool:
        entry = self._entries.get(job_id)
        return entry is not None and entry.state is JobState.CANCELLED

    def _end(self, lease: Lease, event: JobEvent) -> bool:
        """End the lease's job; the same end told twice is one."""
        entry = self._held(lease)
        if entry is None:
            return False
        self._close(entry, event)
        return True

    def _close(self, entry: _Entry, event: JobEvent) -> None:
        entry.token = None
        entry.tell(event)
        self._ended.append(entry.job.id)
        while len(self._ended) > self._keep_ended:
            self._entries.pop(self._ended.popleft(), None)
