"""The job queue on Redis: see JobQueue for its promises, and scripts/ for its steps."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from server.errors import PayloadError, StorageUnreachable
from server.jobs import words
from server.jobs.bull.reader import LogReader
from server.jobs.bull.record import checkpoints_from, status_from
from server.jobs.bull.roll import RedisRoll
from server.jobs.bull.scripts import load_scripts
from server.jobs.event import Ended, Happening, JobEvent, JobState, Stepped
from server.jobs.fit import Room
from server.jobs.lease import Lease, LeaseReport, Progress
from server.jobs.payload import event_from_json, event_to_json, job_from_json, job_to_json, result_to_json
from server.jobs.status import JobStatus, PriorityDepth, QueueDepth
from server.jobs.submit import Accepted, Bound, Bounds, Conflict, Full, Once, PutAnswer
from server.jobs.terms import DEFAULT_TERMS, QueueTerms
from server.jobs.workers import WorkerInfo
from server.redis_link import RedisAddress, open_redis, plain_errors
from server.request import Job, JobResult

BASE = "{h2serve}:"
"""All keys begin with it; the braces keep them in one slot of a cluster."""
SWEEP_EACH_MS = 900
NOW = 1
"""What the script finish answers when it has just ended the job."""
CONNECTIONS = 9
"""For commands; a worker's wait takes one more, the watchers' reader two, the results store four."""
LONGEST_WAIT_S = 2.0
T = TypeVar("T")


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
        self._new_token, self._terms, self._base, self._sweep_each_ms = new_token, terms, base, sweep_each_ms
        self._sweep_at_s = 0.0
        self._scripts = load_scripts(self._client, base, terms)
        self._reader = LogReader(self._listening_client, base)
        self._roll = RedisRoll(self._client, base)

    async def put(
        self, job: Job, bounds: Bounds, once: Once | None = None, waiter: str | None = None
    ) -> PutAnswer:
        """See JobQueue."""
        request = job.request
        args = {
            "id": job.id,
            "model": request.model,
            "tenant": job.tenant,
            "images": request.num_images,
            "pixels": request.width * request.height,
            "priority": job.priority,
            "share": job.cost / job.weight,
            "deadline_ms": job.deadline_ms,
            "asynchronous": int(job.asynchronous),
            "once": None if once is None else _hash(once.key),
            "digest": None if once is None else _hash(once.digest),
            "once_ms": self._terms.once_ms,
            "most": bounds.images,
            "most_of_tenant": bounds.images_of_tenant,
            "key": job.key_id,
            "most_under_way": bounds.under_way,
            "waiter": waiter,
        }
        said, what = await self._kept("put", args, job_to_json(job))
        match said:
            case "new" | "known":
                return Accepted(what, is_new=said == "new")
            case "conflict":
                return Conflict(what)
        bound, counted, allowed = what
        return Full(Bound(bound), counted, allowed)

    async def take(self, room: Room, model: str, worker: str) -> list[Lease]:
        """See JobQueue."""
        if asyncio.get_running_loop().time() >= self._sweep_at_s:
            await self.sweep()
        args = {
            "model": model,
            "worker": worker,
            "token": self._new_token(),
            "lease_ms": self._terms.lease_ms,
            "images": room.images,
            "pixels": room.pixels,
            "most_pixels": room.most_pixels,
            "idle": room.idle,
            "patience_ms": self._terms.patience_ms,
        }
        taken, ends = await self._run("take", args)
        self._tell_ends(ends)
        leases = [await self._lease(model, *each) for each in taken]
        return [lease for lease in leases if lease is not None]

    async def _lease(
        self,
        model: str,
        job_id: str,
        payload: str,
        token: str,
        attempt: int,
        alone: int,
        waited_ms: int,
        kept: str,
    ) -> Lease | None:
        """A job whose payload cannot be read is dead, with the reason, and harms no other."""
        try:
            job = job_from_json(payload)
        except PayloadError as error:
            await self._end(model, job_id, token, Ended(JobState.DEAD, error=error.message))
            return None
        return Lease(job, token, attempt, bool(alone), waited_ms, checkpoints_from(kept))

    async def renew(self, leases: Sequence[Lease]) -> LeaseReport:
        """See JobQueue."""
        gone = LeaseReport()
        for model in {lease.job.request.model for lease in leases}:
            held = [lease for lease in leases if lease.job.request.model == model]
            args = {
                "model": model,
                "ids": [lease.job.id for lease in held],
                "tokens": [lease.token for lease in held],
                "lease_ms": self._terms.lease_ms,
            }
            gone = _both(gone, await self._run("renew", args))
        return gone

    async def progress(self, reports: Sequence[Progress]) -> LeaseReport:
        """See JobQueue."""
        gone = LeaseReport()
        for model in {report.lease.job.request.model for report in reports}:
            told = [_told(report) for report in reports if report.lease.job.request.model == model]
            gone = _both(gone, await self._run("progress", {"model": model, "reports": told}))
        return gone

    async def finish(self, lease: Lease, result: JobResult) -> bool:
        """See JobQueue."""
        end = Ended(JobState.FINISHED, result=result)
        return await self._end(lease.job.request.model, lease.job.id, lease.token, end)

    async def fail(self, lease: Lease, error: str) -> bool:
        """See JobQueue."""
        end = Ended(JobState.FAILED, error=error)
        return await self._end(lease.job.request.model, lease.job.id, lease.token, end)

    async def _end(self, model: str, job_id: str, token: str, end: Ended) -> bool:
        args = {
            "id": job_id,
            "model": model,
            "token": token,
            "state": end.state.value,
            "field": "error" if end.result is None else "result",
            "value": end.error if end.result is None else result_to_json(end.result),
        }
        said = await self._run("finish", args, event_to_json(end))
        if said == NOW:
            self._on_end(end.state)
        return bool(said)

    async def release(self, lease: Lease, died: bool = False) -> bool:
        """See JobQueue."""
        args = {
            "id": lease.job.id,
            "model": lease.job.request.model,
            "token": lease.token,
            "died": died,
            "dead": words.DEAD,
        }
        said, ends = await self._run("release", args)
        self._tell_ends(ends)
        return bool(said)

    async def cancel(self, job_id: str) -> bool:
        """See JobQueue."""
        said, ends = await self._run("cancel", {"id": job_id, "why": words.CANCELLED})
        self._tell_ends(ends)
        return bool(said)

    async def attach(self, job_id: str, waiter: str) -> bool:
        """See JobQueue."""
        return bool(await self._run("attach", {"id": job_id, "waiter": waiter}))

    async def detach(self, job_id: str, waiter: str) -> None:
        """See JobQueue."""
        args = {"id": job_id, "waiter": waiter, "grace_ms": self._terms.grace_ms, "why": words.HUNG_UP}
        self._tell_ends(await self._run("detach", args))

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
        args = {"states": {state.value: True for state in states}, "limit": limit}
        return await self._show({"ids": await self._run("list", args)})

    async def _show(self, args: dict[str, Any]) -> list[JobStatus]:
        return [status_from(job_id, place, flat) for job_id, place, flat in await self._run("show", args)]

    async def announce(self, info: WorkerInfo, ttl_ms: int) -> bool:
        """See JobQueue."""
        return await _answered(self._roll.announce(info, ttl_ms))

    async def workers(self) -> list[WorkerInfo]:
        """See JobQueue."""
        return await _answered(self._roll.alive())

    async def models(self) -> Mapping[str, str]:
        """See JobQueue."""
        return await _answered(self._roll.models())

    async def sweep(self) -> None:
        """See JobQueue."""
        args = {
            "interval_ms": self._sweep_each_ms,
            "keep_ms": self._terms.keep_ms,
            "hung_up": words.HUNG_UP,
            "dead": words.DEAD,
        }
        self._sweep_at_s = asyncio.get_running_loop().time() + self._sweep_each_ms / 1000
        self._tell_ends(await self._run("sweep", args))

    async def wait_for_work(self, model: str, timeout_s: float) -> None:
        """See JobQueue: BullMQ's marker, which one waiter takes; whoever takes jobs puts it back for the next."""
        seconds = min(max(timeout_s, 0.01), LONGEST_WAIT_S)  # to Redis, 0 means for ever
        await _answered(self._waiting_client.bzpopmin(f"{self._base}q:{model}:marker", seconds))

    async def depth(self) -> QueueDepth:
        """See JobQueue."""
        waiting, running, jobs, at = await self._run("depth", {})
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
        ids: list[str] = await self._run("retry_dead", {})
        return ids

    async def drain(self, worker: str) -> bool:
        """Ask a worker to take no more jobs, hand back what it has, and stop. False when it is not known."""
        return await _answered(self._roll.drain(worker))

    async def _kept(self, name: str, *args: Any) -> Any:
        """As ``_run``, but answered when it is on disk. Raises StorageUnreachable when that takes too long."""
        if not self._terms.disk_ms:
            return await self._run(name, *args)
        with plain_errors():
            # On one connection: WAITAOF waits for what was written over its own.
            async with self._client.pipeline(transaction=False) as pipeline:
                await self._scripts.run(name, *args, client=pipeline)
                pipeline.execute_command("WAITAOF", 1, 0, self._terms.disk_ms)
                answer, written = await pipeline.execute(raise_on_error=False)
            if isinstance(answer, Exception):
                raise answer
        if isinstance(written, Exception):
            raise StorageUnreachable(f"Redis does not wait for its disk: {str(written)[:100]}")
        if not written[0]:
            raise StorageUnreachable("the job is not on Redis' disk yet")
        return answer

    async def _run(self, name: str, args: dict[str, Any], *more: str) -> Any:
        return await _answered(self._scripts.run(name, args, *more))


async def _answered(command: Awaitable[T]) -> T:
    with plain_errors():
        return await command


def _event(text: str) -> Happening | None:
    try:
        return event_from_json(text)
    except PayloadError:
        return None


def _told(report: Progress) -> dict[str, Any]:
    partial, kept = report.partial, report.checkpoint
    return {
        "id": report.lease.job.id,
        "token": report.lease.token,
        "step": report.step,
        "num_steps": report.num_steps,
        "full": report.counts.full,
        "detail_hits": report.counts.detail_hits,
        "structure_hits": report.counts.structure_hits,
        "stepped": event_to_json(Stepped(report.step, report.num_steps, report.counts)),
        "partial": None if partial is None else event_to_json(partial),
        "checkpoint": None if kept is None else {"index": kept.index, "step": kept.step, "key": kept.key},
    }


def _both(gone: LeaseReport, said: Sequence[Sequence[str]]) -> LeaseReport:
    lost, cancelled = said
    return LeaseReport(gone.lost | frozenset(lost), gone.cancelled | frozenset(cancelled))


def _hash(text: str) -> str:
    """Of any length and any characters, as part of a key."""
    return hashlib.sha256(text.encode()).hexdigest()
