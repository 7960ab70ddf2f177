"""The job queue in this process's memory; every call runs on one event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

from server.jobs import words
from server.jobs.depth import by_priority
from server.jobs.event import Ended, JobEvent, JobState, Stepped
from server.jobs.fit import Room, choose
from server.jobs.hang_up import cancel_at
from server.jobs.lease import Lease, LeaseReport, Progress
from server.jobs.memory_entries import Entries
from server.jobs.memory_once import OnceKeys
from server.jobs.memory_workers import WorkerRoll
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
        self._new_token, self._clock, self._terms = new_token, clock, terms
        self._once = OnceKeys(terms.once_ms)
        self._roll = WorkerRoll()
        self._work = asyncio.Event()
        self._entries = Entries(terms, keep_ended, on_end, self._work.set)
        self._closed = False

    async def put(
        self, job: Job, bounds: Bounds, once: Once | None = None, waiter: str | None = None
    ) -> PutAnswer:
        """See JobQueue."""
        await self.sweep()
        now_ms = self._now_ms()
        known = self._once.find(job.tenant, once, now_ms)
        if known is None and self._entries.find(job.id) is not None:
            known = Accepted(job.id, is_new=False)
        refused = self._full(job, bounds) if known is None else None
        if refused is not None:
            return refused
        if known is None:
            self._once.keep(job.tenant, once, job.id, now_ms)
            self._entries.enter(job, once, now_ms)
        answer = known or Accepted(job.id)
        if waiter is not None and isinstance(answer, Accepted):
            await self.attach(answer.job_id, waiter)
        return answer

    def _full(self, job: Job, bounds: Bounds) -> Full | None:
        waiting = self._entries.in_state(JobState.QUEUED)
        of_tenant = [each for each in waiting if each.job.tenant == job.tenant]
        of_key = [each for each in self._entries.live if each.job.key_id == job.key_id]
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

    async def take(self, room: Room, model: str, worker: str) -> list[Lease]:
        """See JobQueue."""
        await self.sweep()
        now_ms, turns = self._now_ms(), self._entries.line(model)
        line = [entry for turn in turns if (entry := self._entries.find(turn.job_id)) is not None]
        choice = choose((entry.need(now_ms) for entry in line), room, self._terms.patience_ms)
        for number in choice.overtaken:
            since_ms = line[number].overtaken_since_ms
            line[number].overtaken_since_ms = now_ms if since_ms is None else since_ms
        for entry, turn in zip(line, turns, strict=True):
            entry.place = turn.place
        taken = [line[number] for number in choice.taken]
        return [self._entries.start(entry, self._new_token(), worker, now_ms) for entry in taken]

    async def renew(self, leases: Sequence[Lease]) -> LeaseReport:
        """See JobQueue."""
        await self.sweep()
        until_ms = self._now_ms() + self._terms.lease_ms
        for lease in leases:
            entry = self._entries.held(lease)
            if entry is not None:
                entry.leased_until_ms = until_ms
        return self._report(leases)

    async def progress(self, reports: Sequence[Progress]) -> LeaseReport:
        """See JobQueue."""
        await self.sweep()
        for report in reports:
            entry = self._entries.held(report.lease)
            if entry is None:
                continue
            if report.step != entry.step:
                entry.log.tell(Stepped(report.step, report.num_steps, report.counts))
            entry.step, entry.num_steps, entry.counts = report.step, report.num_steps, report.counts
            if report.partial is not None:
                entry.log.tell(report.partial)
            if report.checkpoint is not None:
                entry.checkpoints[report.checkpoint.index] = report.checkpoint
        return self._report([report.lease for report in reports])

    def _report(self, leases: Iterable[Lease]) -> LeaseReport:
        gone = {lease.job.id for lease in leases if self._entries.held(lease) is None}
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
        entry = self._entries.held(lease)
        if entry is not None:
            entry.ended_by = lease.token
            self._entries.end(entry, end, self._now_ms())
            return True
        known = self._entries.find(lease.job.id)
        return known is not None and (known.ended_by, known.state) == (lease.token, end.state)

    async def release(self, lease: Lease, died: bool = False) -> bool:
        """See JobQueue."""
        await self.sweep()
        entry = self._entries.held(lease)
        if entry is not None:
            entry.released_by = lease.token
            if died:
                self._entries.died(entry, self._now_ms())
            else:
                entry.attempts -= 1
                self._entries.requeue(entry)
            return True
        known = self._entries.find(lease.job.id)
        return known is not None and known.released_by == lease.token

    async def cancel(self, job_id: str) -> bool:
        """See JobQueue."""
        await self.sweep()
        entry = self._entries.find(job_id)
        if entry is None:
            return False
        if not entry.state.is_terminal:
            self._entries.end(entry, Ended(JobState.CANCELLED, error=words.CANCELLED), self._now_ms())
        return entry.state is JobState.CANCELLED

    async def attach(self, job_id: str, waiter: str) -> bool:
        """See JobQueue."""
        entry = self._entries.find(job_id)
        if entry is None:
            return False
        entry.waiters.add(waiter)
        entry.cancel_at_ms = None
        return True

    async def detach(self, job_id: str, waiter: str) -> None:
        """See JobQueue."""
        entry = self._entries.find(job_id)
        if entry is not None and waiter in entry.waiters:
            entry.waiters.discard(waiter)
            asynchronous, has_key, waiters = entry.job.asynchronous, entry.once is not None, len(entry.waiters)
            entry.cancel_at_ms = cancel_at(asynchronous, has_key, waiters, self._now_ms(), self._terms.grace_ms)
        await self.sweep()

    async def events(self, job_id: str, after: str | None = None) -> AsyncIterator[JobEvent]:
        """See JobQueue."""
        entry = self._entries.find(job_id)
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
        entry = self._entries.find(job_id)
        return None if entry is None else entry.status(self._entries.position(entry))

    async def list_jobs(self, tenant: str, limit: int, after: str | None = None) -> list[JobStatus]:
        """See JobQueue."""
        await self.sweep()
        mine = [entry for entry in self._entries if entry.job.tenant == tenant]
        mine.sort(key=lambda entry: entry.arrival, reverse=True)
        behind = self._entries.find(after) if after is not None else None
        if behind is not None:
            mine = [entry for entry in mine if entry.arrival < behind.arrival]
        return [entry.status(self._entries.position(entry)) for entry in mine[:limit]]

    async def list_all(self, states: Iterable[JobState], limit: int) -> list[JobStatus]:
        """See JobQueue."""
        await self.sweep()
        wanted = frozenset(states)
        listed = [entry for entry in self._entries.in_order() if entry.state in wanted]
        return [entry.status(self._entries.position(entry)) for entry in listed[:limit]]

    async def announce(self, info: WorkerInfo, ttl_ms: int) -> bool:
        """See JobQueue."""
        return self._roll.announce(info, self._now_ms() + ttl_ms)

    async def workers(self) -> list[WorkerInfo]:
        """See JobQueue."""
        return self._roll.alive(self._now_ms())

    async def models(self) -> Mapping[str, str]:
        """See JobQueue."""
        return self._roll.models

    async def sweep(self) -> None:
        """See JobQueue."""
        now_ms = self._now_ms()
        for entry in self._entries.live:
            if entry.state is JobState.RUNNING and entry.leased_until_ms <= now_ms:
                self._entries.died(entry, now_ms)
            deadline_ms, cancel_at_ms = entry.deadline_ms, entry.cancel_at_ms
            if entry.state.is_terminal:
                continue
            if cancel_at_ms is not None and cancel_at_ms <= now_ms:
                self._once.free(entry.job.tenant, entry.once, entry.id)
                self._entries.end(entry, Ended(JobState.CANCELLED, error=words.HUNG_UP), now_ms)
            elif entry.state is JobState.QUEUED and deadline_ms is not None and deadline_ms <= now_ms:
                why = words.expired(entry.job.deadline_ms)
                self._entries.end(entry, Ended(JobState.EXPIRED, error=why), now_ms)
        self._entries.forget(now_ms)

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
        waiting = self._entries.in_state(JobState.QUEUED)
        running = self._entries.in_state(JobState.RUNNING)
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
        for entry in self._entries:
            entry.log.ring()
        self._work.set()

    def _now_ms(self) -> int:
        return int(1000 * self._clock())

    def _is(self, job_id: str, state: JobState) -> bool:
        entry = self._entries.find(job_id)
        return entry is not None and entry.state is state
