"""What happens to a job, as its log tells it."""

from dataclasses import dataclass
from enum import StrEnum

from server.request import JobResult


class JobState(StrEnum):
    """Where a job is in its life. ``dead``: lost with its worker too often, or not to be read by any."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DEAD = "dead"

    @property
    def is_terminal(self) -> bool:
        """True for the five ends a job can have."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Queued:
    """The job waits, for the first time or again; ``position`` jobs are before it."""

    position: int


@dataclass(frozen=True, slots=True)
class Started:
    """A worker has taken the job; ``attempt`` counts from 1."""

    attempt: int


@dataclass(frozen=True, slots=True)
class StepCounts:
    """How the steps so far ended, over all of the job's images."""

    full: int = 0
    detail_hits: int = 0
    structure_hits: int = 0


NO_STEPS = StepCounts()


@dataclass(frozen=True, slots=True)
class Stepped:
    """``step`` of ``num_steps`` are done, over all of the job's images."""

    step: int
    num_steps: int
    counts: StepCounts = NO_STEPS


@dataclass(frozen=True, slots=True)
class PartialImage:
    """Preview ``number`` of image ``index``, both from 0; its bytes lie in the results store under ``key``."""

    index: int
    key: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """The one terminal event: finished with a result, or another end with an error fit for the client."""

    state: JobState
    result: JobResult | None = None
    error: str | None = None


Happening = Queued | Started | Stepped | PartialImage | Ended


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One entry of a job's log. ``id`` names the place in the log from which a watcher goes on."""

    id: str
    what: Happening

    @property
    def is_terminal(self) -> bool:
        """True for the last one."""
        return isinstance(self.what, Ended)
