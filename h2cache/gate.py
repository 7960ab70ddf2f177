"""What a gate is: a pure rule from one sample's numbers to reuse or compute."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Norm(StrEnum):
    """What a gate is told: how far two summaries are apart, or how far the last forecast was off.

    RELATIVE_L1 is mean|old - new| / mean|old|, RMS the root mean square of old - new. RATE needs no summaries: it
    is mean|computed - filled| / mean|computed| at the last computed step, over how far sigma had come down since
    the computed step before; told once, at the step after it.
    """

    RELATIVE_L1 = "relative-l1"
    RMS = "rms"
    RATE = "rate"

    @property
    def is_of_forecast(self) -> bool:
        """True where it is known at a computed step, and nothing is looked at."""
        return self is Norm.RATE


@dataclass(frozen=True, slots=True)
class Moment:
    """One stage of one sample at a step.

    ``distance`` to the reference is None where there is none or nothing was measured. ``memory`` is what the gate
    said last since the stage was computed, empty right after that; ``since`` counts those steps. The last computed
    step came ``gap`` steps after the one before, 0 if it is the first. ``sigma`` is its noise level and ``moved``
    how far it is down since: known to a gate that is told of rates.
    """

    step_index: int
    num_steps: int
    distance: float | None
    memory: tuple[float, ...]
    since: int
    gap: int
    sigma: float
    moved: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Reuse or not; ``memory`` is handed back at the next step if the stage is reused."""

    reuse: bool
    memory: tuple[float, ...] = ()


COMPUTE = Decision(reuse=False)


class Gate(Protocol):
    """Decides for one stage of one sample. Holds settings only; what it remembers is passed."""

    @property
    def measures(self) -> Norm | None:
        """The distance that the decision needs, for which the host has to wait; None where it needs none."""
        ...

    @property
    def counts_steps(self) -> bool:
        """True where the decision depends on the number of steps."""
        ...

    def decide(self, now: Moment) -> Decision:
        """Reuse what is there (there is something), or compute."""
        ...
