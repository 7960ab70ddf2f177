"""What a submit says beside the job, and what it is answered."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Images that may wait at most: in all, and of one tenant."""

    images: int
    images_of_tenant: int


@dataclass(frozen=True, slots=True)
class Once:
    """A client's Idempotency-Key, and the digest of the body that came with it."""

    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job is kept under this id. ``is_new`` is False when the same submit has come before."""

    job_id: str
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Full:
    """The job does not fit under a bound: ``waiting`` images wait (of the tenant), allowed are ``allowed``."""

    of_tenant: bool
    waiting: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """The key stands for another body, that of this job."""

    job_id: str


PutAnswer = Accepted | Full | Conflict
