"""A job and everything the queue in memory knows of it."""

from dataclasses import dataclass, field

from server.jobs.event import NO_STEPS, JobState, StepCounts
from server.jobs.fair_share import Place, Waiting
from server.jobs.fit import Need
from server.jobs.lease import Checkpoint, Lease
from server.jobs.memory_log import EventLog
from server.jobs.redelivery import runs_alone
from server.jobs.status import JobStatus
from server.jobs.submit import Once
from server.request import Job, JobResult


@dataclass
class Entry:
    """``arrival`` counts the submits, ``place`` is by fair share. Times in ms on the queue's clock."""

    job: Job
    arrival: int
    place: Place
    submitted_ms: int
    log: EventLog
    once: Once | None = None
    state: JobState = JobState.QUEUED
    returned: bool = False
    token: str | None = None
    alone: bool = False
    ended_by: str | None = None
    released_by: str | None = None
    worker: str | None = None
    attempts: int = 0
    deaths: int = 0
    leased_until_ms: int = 0
    overtaken_since_ms: int | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    waiters: set[str] = field(default_factory=set)
    cancel_at_ms: int | None = None
    step: int = 0
    num_steps: int = 0
    counts: StepCounts = NO_STEPS
    checkpoints: dict[int, Checkpoint] = field(default_factory=dict)
    result: JobResult | None = None
    error: str | None = None

    @property
    def id(self) -> str:
        return self.job.id

    @property
    def images(self) -> int:
        return self.job.request.num_images

    @property
    def deadline_ms(self) -> int | None:
        """When it expires, if it still waits then."""
        return None if self.job.deadline_ms is None else self.submitted_ms + self.job.deadline_ms

    def waiting(self) -> Waiting:
        """As the line sees it."""
        return Waiting(self.id, self.job.tenant, self.job.priority, self.arrival, self.place, self.returned)

    def need(self, now_ms: int) -> Need:
        """As a worker sees it."""
        request, since_ms = self.job.request, self.overtaken_since_ms
        overtaken_ms = None if since_ms is None else now_ms - since_ms
        return Need(self.images, request.width * request.height, runs_alone(self.deaths), overtaken_ms)

    def lease(self, token: str, worker: str, now_ms: int, until_ms: int) -> Lease:
        """Start an attempt."""
        self.state, self.token, self.worker = JobState.RUNNING, token, worker
        self.alone, self.attempts = runs_alone(self.deaths), self.attempts + 1
        self.started_ms, self.leased_until_ms, self.overtaken_since_ms = now_ms, until_ms, None
        checkpoints = tuple(self.checkpoints[index] for index in sorted(self.checkpoints))
        return Lease(self.job, token, self.attempts, self.alone, now_ms - self.submitted_ms, checkpoints)

    def status(self, position: int | None) -> JobStatus:
        """What is told of it."""
        return JobStatus(
            job_id=self.id,
            state=self.state,
            tenant=self.job.tenant,
            model=self.job.request.model,
            num_images=self.images,
            asynchronous=self.job.asynchronous,
            submitted_ms=self.submitted_ms,
            started_ms=self.started_ms,
            ended_ms=self.ended_ms,
            deadline_ms=self.deadline_ms,
            position=position,
            attempt=self.attempts,
            deaths=self.deaths,
            worker=self.worker,
            step=self.step,
            num_steps=self.num_steps,
            counts=self.counts,
            result=self.result,
            error=self.error,
            job=self.job,
        )
