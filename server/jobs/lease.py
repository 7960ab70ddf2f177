"""The right to work on a job, and what its holder reports."""

from dataclasses import dataclass

from server.jobs.event import NO_STEPS, PartialImage, StepCounts
from server.request import Job


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a sample can be gone on from: image ``index`` after ``step`` steps; the bytes lie under ``key``."""

    index: int
    step: int
    key: str


@dataclass(frozen=True, slots=True)
class Lease:
    """A job under a token that no other lease has.

    ``attempt`` counts from 1. ``alone``: in no batch with other jobs, and no others are taken beside it.
    ``waited_ms`` is the time since the submit on the queue's clock. ``checkpoints`` has each image's last one.
    """

    job: Job
    token: str
    attempt: int = 1
    alone: bool = False
    waited_ms: int = 0
    checkpoints: tuple[Checkpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class LeaseReport:
    """Which of the named leases must be dropped at once: lost to another worker, or cancelled by the client."""

    lost: frozenset[str] = frozenset()
    cancelled: frozenset[str] = frozenset()

    @property
    def gone(self) -> frozenset[str]:
        """Both."""
        return self.lost | self.cancelled


@dataclass(frozen=True, slots=True)
class Progress:
    """``step`` of ``num_steps`` are done over all images of the job, and what came out on the way."""

    lease: Lease
    step: int
    num_steps: int
    counts: StepCounts = NO_STEPS
    partial: PartialImage | None = None
    checkpoint: Checkpoint | None = None
