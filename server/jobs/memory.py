"""The job queue in this process's memory; every call runs on one event loop."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from server.jobs import words
from server.jobs.depth import by_priority
from server.jobs.event import Ended, JobEvent, JobState, Queued, Started, Stepped
from server.jobs.fair_share import Turn, line, next_tag
from server.jobs.fit import Room, choose
from server.jobs.hang_up import cancel_at
from server.jobs.lease import Lease, LeaseReport, Progress
from server.jobs.memory_entry import Entry
from server.jobs.memory_log import EventLog
from server.jobs.memory_once import OnceKeys
from server.jobs.memory_workers import WorkerRoll
from server.jobs.redelivery import is_dead
from server.jobs.status import JobStatus, QueueDepth
from server.jobs.submit import Accepted, Bound, Bounds, Full, Once, PutAnswer
from server.jobs.terms import DEFAULT_TERMS, QueueTerms
from server.jobs.workers import WorkerInfo
from server.request import Job, JobResult


class MemoryQueue:
    """See JobQueue. ``clock`` gives seconds since 1970. At most ``keep_ended`` ended jobs are kept.

    ``on_end`` is told of each job's end once.
    """

    def __init__(
        self,
        new_token: Callable[[], str],
        clock: Callable[[], float],
        terms: QueueTerms = DEFAULT_TERMS,
        keep_ended: int = 256,
        on_end: Callable[[JobState], None] = lambda state: None,
    ) -> None:
        self._on_end = on_end
        self._new_token, self._clock, self._terms, self._keep_ended = new_token, clock, terms, keep_ended
        self._entries: dict[str, Entry] = {}
        self._live: dict[str, Entry] = {}
        self._ended: deque[str] = deque()
        self._arrivals = itertools.count()
        self._virtual_time: dict[str, float] = {}
        self._last_tags: dict[tuple[str, str], float] = {}
        self._once = OnceKeys(terms.once_ms)
        self._roll = WorkerRoll()
        self._work = asyncio.Event()
        self._closed = False

    async def put(
        self, job: Job, bounds: Bounds, once: Once | None = None, waiter: str | None = None
    ) -> PutAnswer:
        """See JobQueue."""
        await self.sweep()
        now_ms = self._now_ms()
        known = self._once.find(job.tenant, once, now_ms)
        if known is None and job.id in self._entries:
            known = Accepted(job.id, is_new=False)
        refused = self._full(job, bounds) if known is None else None
        if refused is not None:
            return refused
        if known is None:
            self._once.keep(job.tenant, once, job.id, now_ms)
            self._enter(job, once, now_ms)
        answer = known or Accepted(job.id)
        if waiter is not None and isinstance(answer, Accepted):
            await self.attach(answer.job_id, waiter)
        return answer

    def _full(self, job: Job, bounds: Bounds) -> Full | None:
        waiting = self._in_state(JobState.QUEUED)
        of_tenant = (each for each in waiting if each.job.tenant == job.tenant)
        of_key = (each for each in self._live.values() if each.job.key_id == job.key_id)
        under_way = None if job.key_id is None else bounds.under_way
        for bound, entries, allowed in (
            (Bound.IMAGES, waiting, bounds.images),
            (Bound.TENANT, of_tenant, bounds.images_of_tenant),
            (Bound.KEY, of_key, under_way),
        ):
            counted = sum(each.images for each in entries)
            if allowed is not None and counted + job.request.num_images > allowed:
                return Full(bound, counted, allowed)
        return None

    def _enter(self, job: Job, once: Once | None, now_ms: int) -> None:
        model = job.request.model
        last = self._last_tags.get((model, job.tenant), 0.0)
        tag = next_tag(self._virtual_time.get(model, 0.0), last, job.cost, job.weight)
        self._last_tags[model, job.tenant] = tag
        log = EventLog(self._terms.most_events)
        arrival = next(self._arrivals)
        entry = Entry(job, arrival, (tag, arrival), now_ms, log, once)
        self._entries[job.id] = self._live[job.id] = entry
        self._say_queued(entry)

    async def take(self, room: Room, model: str, worker: str) -> list[Lease]:
        """See JobQueue."""
        await self.sweep()
        now_ms, turns = self._now_ms(), self._line(model)
        needs = (self._entries[turn.job_id].need(now_ms) for turn in turns)
        choice = choose(needs, room, self._terms.patience_ms)
        for number in choice.overtaken:
            entry = self._entries[turns[number].job_id]
            entry.overtaken_since_ms = now_ms if entry.overtaken_since_ms is None else entry.overtaken_since_ms
        for turn in turns:
            self._entries[turn.job_id].place = turn.place
        return [self._start(self._entries[turns[number].job_id], worker, now_ms) for number in choice.taken]

    def _start(self, entry: Entry, worker: str, now_ms: int) -> Lease:
        model, (tag, _) = entry.job.request.model, entry.place
        self._virtual_time[model] = max(self._virtual_time.get(model, 0.0), tag)
        lease = entry.lease(self._new_token(), worker, now_ms, now_ms + self._terms.lease_ms)
        entry.log.tell(Started(entry.attempts))
        return lease

    async def renew(self, leases: Sequence[Lease]) -> LeaseReport:
        """See JobQueue."""
        await self.sweep()
        until_ms = self._now_ms() + self._terms.lease_ms
        for lease in leases:
            entry = self._held(lease)
            if entry is not None:
                entry.leased_until_ms = until_ms
        return self._report(leases)

    async def progress(self, reports: Sequence[Progress]) -> LeaseReport:
        """See JobQueue."""
        await self.sweep()
        for report in reports:
            entry = self._held(report.lease)
            if entry is None:
                continue
            entry.step, entry.num_steps, entry.counts = report.step, report.num_steps, report.counts
            entry.log.tell(Stepped(report.step, report.num_steps, report.counts))
            if report.partial is not None:
                entry.log.tell(report.partial)
            if report.checkpoint is not None:
                entry.checkpoints[report.checkpoint.index] = report.checkpoint
        return self._report([report.lease for report in reports])

    def _report(self, leases: Iterable[Lease]) -> LeaseReport:
        gone = {lease.job.id for lease in leases if self._held(lease) is None}
        cancelled = {job_id for job_id in gone if self._is(job_id, JobState.CANCELLED)}
        return LeaseReport(frozenset(gone - cancelled), frozenset(cancelled))

    async def finish(self, lease: Lease, result: JobResult) -> bool:
        """See JobQueue."""
        return await self._end_leased(lease, Ended(JobState.FINISHED, result=result))

    async def fail(self, lease: Lease, error: str) -> bool:
        """See JobQueue."""
        return await self._end_leased(lease, Ended(JobState.FAILED, error=error))

    async def _end_leased(self, lease: Lease, end: Ended) -> bool:
        await self.sweep()
        entry = self._held(lease)
        if entry is not None:
            entry.ended_by = lease.token
            self._end(entry, end)
            return True
        known = self._entries.get(lease.job.id)
        return known is not None and (known.ended_by, known.state) == (lease.token, end.state)

    async def release(self, lease: Lease, died: bool = False) -> bool:
        """See JobQueue."""
        await self.sweep()
        entry = self._held(lease)
        if entry is not None:
            entry.released_by = lease.token
            if died:
                self._died(entry)
            else:
                entry.attempts -= 1
                self._requeue(entry)
            return True
        known = self._entries.get(lease.job.id)
        return known is not None and known.released_by == lease.token

    async def cancel(self, job_id: str) -> bool:
        """See JobQueue."""
        await self.sweep()
        entry = self._entries.get(job_id)
        if entry is None:
            return False
        if not entry.state.is_terminal:
            self._end(entry, Ended(JobState.CANCELLED, error=words.CANCELLED))
        return entry.state is JobState.CANCELLED

    async def attach(self, job_id: str, waiter: str) -> bool:
        """See JobQueue."""
        entry = self._entries.get(job_id)
        if entry is None:
            return False
        entry.waiters.add(waiter)
        entry.cancel_at_ms = None
        return True

    async def detach(self, job_id: str, waiter: str) -> None:
        """See JobQueue."""
        entry = self._entries.get(job_id)
        if entry is not None and waiter in entry.waiters:
            entry.waiters.discard(waiter)
            asynchronous, has_key, waiters = entry.job.asynchronous, entry.once is not None, len(entry.waiters)
            entry.cancel_at_ms = cancel_at(asynchronous, has_key, waiters, self._now_ms(), self._terms.grace_ms)
        await self.sweep()

    async def events(self, job_id: str, after: str | None = None) -> AsyncIterator[JobEvent]:
        """See JobQueue."""
        entry = self._entries.get(job_id)
        seen = int(after) if after is not None and after.isdecimal() else 0
        while entry is not None:
            for event in entry.log.since(seen):
                seen = int(event.id)
                yield event
                if event.is_terminal:
                    return
            if entry.log.since(seen):
                continue
            if self._closed or entry.state.is_terminal:
                return
            await entry.log.next()

    async def status(self, job_id: str) -> JobStatus | None:
        """See JobQueue."""
        await self.sweep()
        entry = self._entries.get(job_id)
        return None if entry is None else entry.status(self._position(entry))

    async def list_jobs(self, tenant: str, limit: int, after: str | None = None) -> list[JobStatus]:
        """See JobQueue."""
        await self.sweep()
        mine = [entry for entry in self._entries.values() if entry.job.tenant == tenant]
        mine.sort(key=lambda entry: entry.arrival, reverse=True)
        behind = self._entries.get(after) if after is not None else None
        if behind is not None:
            mine = [entry for entry in mine if entry.arrival < behind.arrival]
        return [entry.status(self._position(entry)) for entry in mine[:limit]]

    async def announce(self, info: WorkerInfo, ttl_ms: int) -> bool:
        """See JobQueue."""
        return self._roll.announce(info, self._now_ms() + ttl_ms)

    async def workers(self) -> list[WorkerInfo]:
        """See JobQueue."""
        return self._roll.alive(self._now_ms())

    async def models(self) -> frozenset[str]:
        """See JobQueue."""
        return self._roll.models

    async def sweep(self) -> None:
        """See JobQueue."""
        now_ms = self._now_ms()
        for entry in list(self._live.values()):
            if entry.state is JobState.RUNNING and entry.leased_until_ms <= now_ms:
                self._died(entry)
            deadline_ms, cancel_at_ms = entry.deadline_ms, entry.cancel_at_ms
            if entry.state.is_terminal:
                continue
            if cancel_at_ms is not None and cancel_at_ms <= now_ms:
                self._once.free(entry.job.tenant, entry.once, entry.id)
                self._end(entry, Ended(JobState.CANCELLED, error=words.HUNG_UP))
            elif entry.state is JobState.QUEUED and deadline_ms is not None and deadline_ms <= now_ms:
                self._end(entry, Ended(JobState.EXPIRED, error=words.expired(entry.job.deadline_ms)))
        if not self._in_state(JobState.QUEUED):
            self._last_tags.clear()  # a tenant that has nothing waiting owes nothing
        self._forget(now_ms)

    def _died(self, entry: Entry) -> None:
        """The lease ended: the worker is lost."""
        entry.deaths += 1
        if is_dead(entry.deaths, entry.alone):
            self._end(entry, Ended(JobState.DEAD, error=words.DEAD))
            return
        entry.returned = True
        self._requeue(entry)

    def _requeue(self, entry: Entry) -> None:
        entry.state, entry.token, entry.worker, entry.alone = JobState.QUEUED, None, None, False
        self._say_queued(entry)

    def _forget(self, now_ms: int) -> None:
        """Drop ended jobs past their life or beyond their number."""
        while self._ended:
            entry = self._entries[self._ended[0]]
            is_old = entry.ended_ms is not None and entry.ended_ms + self._terms.keep_ms <= now_ms
            if not is_old and len(self._ended) <= self._keep_ended:
                return
            del self._entries[self._ended.popleft()]

    async def wait_for_work(self, model: str, timeout_s: float) -> None:
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
        waiting = self._in_state(JobState.QUEUED)
        running = self._in_state(JobState.RUNNING)
        lines = [(entry.job.priority, entry.images, entry.submitted_ms) for entry in waiting]
        return QueueDepth(
            sum(entry.images for entry in waiting),
            sum(entry.images for entry in running),
            len(waiting),
            by_priority(lines, self._now_ms()),
        )

    async def close(self) -> None:
        """Nothing to let go of; watchers are woken and end."""
        self._closed = True
        for entry in self._entries.values():
            entry.log.ring()
        self._work.set()

    def _now_ms(self) -> int:
        return int(1000 * self._clock())

    def _in_state(self, state: JobState) -> list[Entry]:
        return [entry for entry in self._live.values() if entry.state is state]

    def _line(self, model: str) -> list[Turn]:
        waiting = self._in_state(JobState.QUEUED)
        return line(entry.waiting() for entry in waiting if entry.job.request.model == model)

    def _position(self, entry: Entry) -> int | None:
        if entry.state is not JobState.QUEUED:
            return None
        return [turn.job_id for turn in self._line(entry.job.request.model)].index(entry.id)

    def _say_queued(self, entry: Entry) -> None:
        position = self._position(entry)
        assert position is not None
        entry.log.tell(Queued(position))
        self._work.set()

    def _held(self, lease: Lease) -> Entry | None:
        """The entry while the lease is still its own."""
        entry = self._entries.get(lease.job.id)
        return entry if entry is not None and entry.token == lease.token else None

    def _is(self, job_id: str, state: JobState) -> bool:
        entry = self._entries.get(job_id)
        return entry is not None and entry.state is state

    def _end(self, entry: Entry, end: Ended) -> None:
        """Into the one terminal state."""
        entry.state, entry.result, entry.error = end.state, end.result, end.error
        entry.token, entry.ended_ms, entry.cancel_at_ms = None, self._now_ms(), None
        entry.waiters.clear()
        entry.log.tell(end)
        self._ended.append(entry.id)
        del self._live[entry.id]
        self._on_end(end.state)
        self._work.set()
