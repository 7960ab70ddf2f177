"""What a job queue promises, whatever it is built on.

An accepted job ends in exactly one terminal event: finished, failed, cancelled, expired or dead. A job that was
taken is held under a lease that ends unless it is renewed; every call that ends or renews it names the lease's
token, and a call with a token that is no longer the job's changes nothing. Every command may arrive twice and then
acts once.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Protocol

from server.jobs.event import JobEvent, JobState
from server.jobs.fit import Room
from server.jobs.lease import Lease, LeaseReport, Progress
from server.jobs.status import JobStatus, QueueDepth
from server.jobs.submit import Bounds, Once, PutAnswer
from server.jobs.workers import WorkerInfo
from server.request import Job, JobResult


class JobQueue(Protocol):
    """Put, take, renew, end, cancel, watch."""

    async def put(
        self, job: Job, bounds: Bounds, once: Once | None = None, waiter: str | None = None
    ) -> PutAnswer:
        """Accept the job whole if all its images fit under the bounds; a repeated id is one job.

        With ``once``, the same key and digest of the same tenant mean the job that has them already, and the same
        key with another digest is a conflict. ``waiter`` waits for the job from the start, see ``attach``.
        """
        ...

    async def take(self, room: Room, model: str, worker: str) -> list[Lease]:
        """Lease waiting jobs for ``model`` in order as far as they fit (``server.jobs.fit.choose``).

        A worker that holds a lease that is alone takes no other jobs until that one has ended.
        """
        ...

    async def renew(self, leases: Sequence[Lease]) -> LeaseReport:
        """Keep the leases alive and say which are to be dropped."""
        ...

    async def progress(self, reports: Sequence[Progress]) -> LeaseReport:
        """Publish what the jobs have come to; of a lease that is gone nothing is published.

        A step is told once, however many reports come at it with previews or checkpoints.
        """
        ...

    async def finish(self, lease: Lease, result: JobResult) -> bool:
        """End the job with its result. False when the lease is no longer valid.

        True again when it is this lease that has ended the job so: an answer may have been lost.
        """
        ...

    async def fail(self, lease: Lease, error: str) -> bool:
        """End the job with an error message fit for the client. Answers as ``finish`` does."""
        ...

    async def release(self, lease: Lease, died: bool = False) -> bool:
        """Hand the job back to its old place, as if it had not been taken. Answers as ``finish`` does.

        With ``died`` it counts as lost with its worker, without the wait for the lease's end.
        """
        ...

    async def cancel(self, job_id: str) -> bool:
        """End the job as cancelled (idempotent). False when it is unknown or ended otherwise."""
        ...

    async def attach(self, job_id: str, waiter: str) -> bool:
        """``waiter``, a name of the caller's, now waits for the job. False when it is unknown."""
        ...

    async def detach(self, job_id: str, waiter: str) -> None:
        """The client behind ``waiter`` hung up; whether that cancels the job, ``server.jobs.hang_up`` says.

        A process that stops does not detach its waiters: that cancels nothing.
        """
        ...

    def events(self, job_id: str, after: str | None = None) -> AsyncIterator[JobEvent]:
        """The job's log, from its beginning or behind the event ``after``, ending after the terminal one.

        The log is capped: a slow watcher may miss events in its middle, never the terminal one. An unknown id
        yields nothing; JobLost when the store forgets the job while it is being watched. Closing the queue ends
        all watching.
        """
        ...

    async def status(self, job_id: str) -> JobStatus | None:
        """A snapshot, None for an unknown id."""
        ...

    async def list_jobs(self, tenant: str, limit: int, after: str | None = None) -> list[JobStatus]:
        """The tenant's jobs, newest first, from the one behind the job id ``after`` on."""
        ...

    async def list_all(self, states: Iterable[JobState], limit: int) -> list[JobStatus]:
        """Jobs of all tenants in these states: running, then waiting in their order, then ended, last first."""
        ...

    async def announce(self, info: WorkerInfo, ttl_ms: int) -> bool:
        """A worker's heartbeat, good for ``ttl_ms``. True when it has been asked to drain."""
        ...

    async def workers(self) -> list[WorkerInfo]:
        """Those whose last heartbeat is still good."""
        ...

    async def models(self) -> Mapping[str, str]:
        """All that any worker has ever announced, each with its profile as told last, or an empty string."""
        ...

    async def sweep(self) -> None:
        """Do what is due: leases that ended, deadlines, hang-ups past their grace, ended jobs past their life.

        To be called about once a second by each process; cheap when nothing is due.
        """
        ...

    async def wait_for_work(self, model: str, timeout_s: float) -> None:
        """Return when there may be new jobs, or after the time-out. A hint, not a promise."""
        ...

    async def depth(self) -> QueueDepth:
        """How much is waiting and running."""
        ...

    async def close(self) -> None:
        """Let go of connections and wake all waiters."""
        ...
