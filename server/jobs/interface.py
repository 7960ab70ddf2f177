"""What a job queue promises, whatever it is built on.

An accepted job ends in exactly one terminal event: finished, failed or cancelled. A job that was taken is held
under a lease; every call that ends or renews it names the lease's token, and a call with a token that is no
longer the job's changes nothing. Every command may arrive twice and then acts once.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from server.request import Job, JobResult


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """True for the three ends a job can have."""
        return self in (JobState.FINISHED, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A change of a job's state, or progress: step ``step`` of ``num_steps``, over all of its images."""

    state: JobState
    step: int = 0
    num_steps: int = 0
    result: JobResult | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a job. ``attempt`` counts from 1."""

    job: Job
    token: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class LeaseReport:
    """Which of the renewed leases must be dropped at once: lost to another worker, or cancelled by the client."""

    lost: frozenset[str] = frozenset()
    cancelled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Images waiting and images under lease, and the number of waiting jobs."""

    images_waiting: int
    images_running: int
    jobs_waiting: int


class JobQueue(Protocol):
    """Put, take, renew, end, cancel, watch."""

    async def put(self, job: Job, max_images_waiting: int) -> bool:
        """Accept the job whole if all its images fit under the bound, else False; a repeated id is one job."""
        ...

    async def take(self, max_images: int, model: str) -> list[Lease]:
        """Lease waiting jobs for ``model`` in order until ``max_images`` is reached.

        The first job is always given when ``max_images`` is at least 1, even when it holds more images.
        """
        ...

    async def renew(self, leases: Sequence[Lease]) -> LeaseReport:
        """Keep the leases alive and say which are to be dropped."""
        ...

    async def progress(self, lease: Lease, step: int, num_steps: int) -> None:
        """Publish progress; a lost lease publishes nothing."""
        ...

    async def finish(self, lease: Lease, result: JobResult) -> bool:
        """End the job with its result. False when the lease is no longer valid."""
        ...

    async def fail(self, lease: Lease, error: str) -> bool:
        """End the job with an error message fit for the client. False when the lease is no longer valid."""
        ...

    async def release(self, lease: Lease) -> bool:
        """Hand the job back unharmed, to its old place. False when the lease is no longer valid."""
        ...

    async def cancel(self, job_id: str) -> bool:
        """End the job as cancelled (idempotent). False when it is unknown or ended otherwise."""
        ...

    def events(self, job_id: str) -> AsyncIterator[JobEvent]:
        """The job's events from its present state on, ending after the terminal one. Unknown ids yield nothing."""
        ...

    async def wait_for_work(self, timeout_s: float) -> None:
        """Return when there may be new jobs or cancellations, or after the time-out. A hint, not a promise."""
        ...

    async def depth(self) -> QueueDepth:
        """How much is waiting and running."""
        ...

    async def close(self) -> None:
        """Let go of connections and wake all waiters."""
        ...
