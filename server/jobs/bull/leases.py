"""A worker's leases in Redis: taken, renewed, told of, and ended under the token of each.

The token is the fence: a script that is given another one than the job's changes nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

from server.errors import PayloadError
from server.jobs import words
from server.jobs.bull.commands import Commands
from server.jobs.bull.record import checkpoints_from
from server.jobs.event import Ended, JobState, Stepped
from server.jobs.fit import Room
from server.jobs.lease import Lease, LeaseReport, Progress
from server.jobs.payload import event_to_json, job_from_json, result_to_json
from server.jobs.terms import QueueTerms
from server.request import JobResult

NOW = 1
"""What the script finish answers when it has just ended the job."""


class Leases:
    """The methods are those of JobQueue. ``tell_ends`` is told the states in which jobs have just ended."""

    def __init__(
        self,
        commands: Commands,
        terms: QueueTerms,
        new_token: Callable[[], str],
        tell_ends: Callable[[Sequence[str]], None],
    ) -> None:
        self._commands, self._lease_ms, self._patience_ms = commands, terms.lease_ms, terms.patience_ms
        self._new_token, self._tell_ends = new_token, tell_ends

    async def take(self, room: Room, model: str, worker: str) -> list[Lease]:
        """See JobQueue."""
        args = {
            "model": model,
            "worker": worker,
            "token": self._new_token(),
            "lease_ms": self._lease_ms,
            "images": room.images,
            "pixels": room.pixels,
            "most_pixels": room.most_pixels,
            "idle": room.idle,
            "patience_ms": self._patience_ms,
        }
        taken, ends = await self._commands.run("take", args)
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
                "lease_ms": self._lease_ms,
            }
            gone = _both(gone, await self._commands.run("renew", args))
        return gone

    async def progress(self, reports: Sequence[Progress]) -> LeaseReport:
        """See JobQueue."""
        gone = LeaseReport()
        for model in {report.lease.job.request.model for report in reports}:
            told = [_told(report) for report in reports if report.lease.job.request.model == model]
            gone = _both(gone, await self._commands.run("progress", {"model": model, "reports": told}))
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
        said = await self._commands.run("finish", args, event_to_json(end))
        if said == NOW:
            self._tell_ends([end.state.value])
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
        said, ends = await self._commands.run("release", args)
        self._tell_ends(ends)
        return bool(said)


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
