"""What a submit says beside the job, and what it is answered."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Bounds:
    """Images that may wait at most, in all and of one tenant; and that may wait or run of the job's API key.

    None is no bound, as is any for a job without a key.
    """

    images: int
    images_of_tenant: int
    under_way: int | None = None


class Bound(Enum):
    """Which of them a job was over."""

    IMAGES = "images"
    TENANT = "tenant"
    KEY = "key"


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
    """The job does not fit under ``bound``, which counts ``counted`` images now; ``allowed`` are allowed."""

    bound: Bound
    counted: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """The key stands for another body, that of this job."""

    job_id: str


PutAnswer = Accepted | Full | Conflict
