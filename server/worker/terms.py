"""How a worker works: names, times, and what it keeps of samples under way."""

from dataclasses import dataclass
from enum import StrEnum


class CheckpointKind(StrEnum):
    """What is kept of a sample: nothing, its latents, or all that its next steps depend on."""

    OFF = "off"
    LATENTS = "latents"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class CheckpointTerms:
    """A sample is saved at each ``each_steps``-th step, and not within ``interval_s`` of the last time.

    Under ``full``, a sample above ``full_up_to_bytes`` is saved as under ``latents``. All checkpoints of a
    worker together hold ``budget_bytes`` at most.
    """

    kind: CheckpointKind = CheckpointKind.FULL
    each_steps: int = 8
    interval_s: float = 2.0
    full_up_to_bytes: int = 4 * 2**20
    budget_bytes: int = 256 * 2**20
    ttl_s: float = 3600.0


NO_CHECKPOINTS = CheckpointTerms(CheckpointKind.OFF)


@dataclass(frozen=True, slots=True)
class WorkerTerms:
    """Times in seconds. A worker whose engine has not ticked for ``stalled_after_s`` renews no lease.

    After as long again it ``ends_when_hung``, for a new process to begin; not beside its own queue, whose jobs
    would be lost with it, while a step that takes so long on a slow device does come to its end.
    ``max_images`` is what it announces, and ``most_pixels`` what samples under way may have in sum, None without a
    bound; ``address`` is where its metrics are, ``profile`` what it tells of its model.
    """

    model: str
    name: str
    result_ttl_s: float
    version: str = ""
    max_images: int = 8
    most_pixels: int | None = None
    address: str | None = None
    profile: str = ""
    renew_each_s: float = 3.0
    stalled_after_s: float = 30.0
    ends_when_hung: bool = False
    store_patience_s: float = 10.0
    checkpoints: CheckpointTerms = NO_CHECKPOINTS
