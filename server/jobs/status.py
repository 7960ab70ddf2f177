"""What is known of one job, and of the queue as a whole."""

from dataclasses import dataclass

from server.jobs.event import NO_STEPS, JobState, StepCounts
from server.request import Job, JobResult


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A snapshot. Times are milliseconds since 1970 on the queue's clock; ``position`` jobs are before it.

    ``job`` is what was put, None where this version cannot read it.
    """

    job_id: str
    state: JobState
    tenant: str
    model: str
    num_images: int
    asynchronous: bool
    submitted_ms: int
    started_ms: int | None = None
    ended_ms: int | None = None
    deadline_ms: int | None = None
    position: int | None = None
    attempt: int = 0
    deaths: int = 0
    worker: str | None = None
    step: int = 0
    num_steps: int = 0
    counts: StepCounts = NO_STEPS
    result: JobResult | None = None
    error: str | None = None
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class PriorityDepth:
    """Images that wait at one priority, and for how long the oldest of their jobs has waited since its submit."""

    priority: int
    images: int
    oldest_ms: int


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Images waiting and images under lease, and the number of waiting jobs; the priorities at which any wait."""

    images_waiting: int
    images_running: int
    jobs_waiting: int
    priorities: tuple[PriorityDepth, ...] = ()
