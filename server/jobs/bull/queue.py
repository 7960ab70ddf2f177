"""The job queue on Redis: see JobQueue for its promises, and scripts/ for its steps."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

from server.errors import PayloadError
from server.jobs import words
from server.jobs.bull.commands import Commands, answered
from server.jobs.bull.leases import Leases
from server.jobs.bull.listing import LISTED_AT_ONCE, list_ids
from server.jobs.bull.reader import LogReader
from server.jobs.bull.record import status_from
from server.jobs.bull.roll import RedisRoll
from server.jobs.bull.submit import put_answer, put_args
from server.jobs.event import Ended, Happening, JobEvent, JobState
from server.jobs.fit import Room
from server.jobs.lease import Lease, LeaseReport, Progress
from server.jobs.payload import event_from_json, job_to_json
from server.jobs.status import JobStatus, PriorityDepth, QueueDepth
from server.jobs.submit import Bounds, Once, PutAnswer
from server.jobs.terms import DEFAULT_TERMS, QueueTerms
from server.jobs.workers import WorkerInfo
from server.redis_link import RedisAddress, open_redis
from server.request import Job, JobResult

BASE = "{h2serve}:"
"""All keys begin with it; the braces keep them in one slot of a cluster."""
SWEEP_EACH_MS = 900
CONNECTIONS = 9
"""For commands; a worker's wait takes one more, the watchers' reader two, the results store four."""
LONGEST_WAIT_S = 2.0


class RedisQueue:
    """One BullMQ queue a model. Raises StorageUnreachable and StorageFull. At most 16 connections.

    ``on_end`` is told of each job's end once, in the process whose call ended it.
    """

    def __init__(
        self,
        address: RedisAddress,
        new_token: Callable[[], str],
        terms: QueueTerms = DEFAULT_TERMS,
        base: str = BASE,
        sweep_each_ms: int = SWEEP_EACH_MS,
        on_end: Callable[[JobState], None] = lambda state: None,
    ) -> None:
        self._on_end = on_end
        self._client = open_redis(address, CONNECTIONS, text=True)
        self._waiting_client = open_redis(address, 1, LONGEST_WAIT_S, text=True)
        self._listening_client = open_redis(address, 2, text=True)
        self._terms, self._base, self._sweep_each_ms = terms, base, sweep_each_ms
        self._sweep_at_s = 0.0
        self._commands = Commands(self._client, base, terms)
        self._leases = Leases(self._commands, terms, new_token, self._tell_ends)
        self._reader = LogReader(self._listening_client, base)
        self._roll = RedisRoll(self._client, base)

    async def put(
        self, job: Job, bounds: Bounds, once: Once | None = None, waiter: str | None = None
    ) -> PutAnswer:
        """See JobQueue."""
        args = put_args(job, bounds, once, waiter, self._terms.once_ms)
        return put_answer(*await self._commands.run_to_disk("put", args, job_to_json(job)))

    async def take(self, room: Room, model: str, worker: str) -> list[Lease]:
        """See JobQueue."""
        if asyncio.get_running_loop().time() >= self._sweep_at_s:
            await self.sweep()
        return await self._leases.take(room, model, worker)

    async def renew(self, leases: Sequence[Lease]) -> LeaseReport:
        """See JobQueue."""
        return await self._leases.renew(leases)

    async def progress(self, reports: Sequence[Progress]) -> LeaseReport:
        """See JobQueue."""
        return await self._leases.progress(reports)

    async def finish(self, lease: Lease, result: JobResult) -> bool:
        """See JobQueue."""
        return await self._leases.finish(lease, result)

    async def fail(self, lease: Lease, error: str) -> bool:
        """See JobQueue."""
        return await self._leases.fail(lease, error)

    async def release(self, lease: Lease, died: bool = False) -> bool:
        """See JobQueue."""
        return await self._leases.release(lease, died)

    async def cancel(self, job_id: str) -> bool:
        """See JobQueue."""
        said, ends = await self._commands.run("cancel", {"id": job_id, "why": words.CANCELLED})
        self._tell_ends(ends)
        return bool(said)

    async def attach(self, job_id: str, waiter: str) -> bool:
        """See JobQueue."""
        return bool(await self._commands.run("attach", {"id": job_id, "waiter": waiter}))

    async def detach(self, job_id: str, waiter: str) -> None:
        """See JobQueue."""
        args = {"id": job_id, "waiter": waiter, "grace_ms": self._terms.grace_ms, "why": words.HUNG_UP}
        self._tell_ends(await self._commands.run("detach", args))

    async def events(self, job_id: str, after: str | None = None) -> AsyncIterator[JobEvent]:
        """See JobQueue. An event that this version cannot read is passed over."""
        async for entry_id, text in self._reader.entries(job_id, after):
            what = _event(text)
            if what is not None:
                yield JobEvent(entry_id, what)
            if isinstance(what, Ended):
                return

    async def status(self, job_id: str) -> JobStatus | None:
        """See JobQueue."""
        found = await self._show({"ids": [job_id]})
        return found[0] if found else None

    async def list_jobs(self, tenant: str, limit: int, after: str | None = None) -> list[JobStatus]:
        """See JobQueue."""
        return await self._show({"tenant": tenant, "limit": limit, "after": after})

    async def list_all(self, states: Iterable[JobState], limit: int) -> list[JobStatus]:
        """See JobQueue."""
        wanted = frozenset(states)
        ids = await list_ids(self._commands, wanted, limit)
        pages = [ids[start : start + LISTED_AT_ONCE] for start in range(0, len(ids), LISTED_AT_ONCE)]
        found = [status for page in pages for status in await self._show({"ids": page})]
        return [status for status in found if status.state in wanted]  # it may have gone on since it was listed

    async def _show(self, args: dict[str, Any]) -> list[JobStatus]:
        return [status_from(job_id, place, flat) for job_id, place, flat in await self._commands.run("show", args)]

    async def announce(self, info: WorkerInfo, ttl_ms: int) -> bool:
        """See JobQueue."""
        return await answered(self._roll.announce(info, ttl_ms))

    async def workers(self) -> list[WorkerInfo]:
        """See JobQueue."""
        return await answered(self._roll.alive())

    async def models(self) -> Mapping[str, str]:
        """See JobQueue."""
        return await answered(self._roll.models())

    async def sweep(self) -> None:
        """See JobQueue."""
        args = {
            "interval_ms": self._sweep_each_ms,
            "keep_ms": self._terms.keep_ms,
            "hung_up": words.HUNG_UP,
            "dead": words.DEAD,
        }
        self._sweep_at_s = asyncio.get_running_loop().time() + self._sweep_each_ms / 1000
        self._tell_ends(await self._commands.run("sweep", args))

    async def wait_for_work(self, model: str, timeout_s: float) -> None:
        """See JobQueue: BullMQ's marker, which one waiter takes; whoever takes jobs puts it back for the next."""
        seconds = min(max(timeout_s, 0.01), LONGEST_WAIT_S)  # to Redis, 0 means for ever
        await answered(self._waiting_client.bzpopmin(f"{self._base}q:{model}:marker", seconds))

    async def depth(self) -> QueueDepth:
        """See JobQueue."""
        waiting, running, jobs, at = await self._commands.run("depth", {})
        return QueueDepth(waiting, running, jobs, tuple(PriorityDepth(*each) for each in reversed(at)))

    async def close(self) -> None:
        """See JobQueue."""
        await self._reader.close()
        for client in (self._client, self._waiting_client, self._listening_client):
            await client.aclose()

    def _tell_ends(self, states: Sequence[str]) -> None:
        for state in states:
            self._on_end(JobState(state))

    async def retry_dead(self) -> list[str]:
        """Give all dead jobs that are still kept a new life, at the end of the line. Their ids."""
        ids: list[str] = await self._commands.run("retry_dead", {})
        return ids

    async def drain(self, worker: str) -> bool:
        """Ask a worker to take no more jobs, hand back what it has, and stop. False when it is not known."""
        return await answered(self._roll.drain(worker))


def _event(text: str) -> Happening | None:
    try:
        return event_from_json(text)
    except PayloadError:
        return None
