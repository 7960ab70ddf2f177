"""What a gate is: a pure rule from one sample's numbers to reuse or compute."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Moment:
    """One stage of one sample at a step.

    ``distance`` to the reference is None where there is none or nothing was measured. ``memory`` is what the gate
    said last since the stage was computed, empty right after that; ``since`` counts those steps.
    """

    step_index: int
    num_steps: int
    distance: float | None
    memory: tuple[float, ...]
    since: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Reuse or not; ``memory`` is handed back at the next step if the stage is reused."""

    reuse: bool
    memory: tuple[float, ...] = ()


COMPUTE = Decision(reuse=False)


class Gate(Protocol):
    """Decides for one stage of one sample. Holds settings only; what it remembers is passed."""

    @property
    def measures(self) -> bool:
        """True where the decision needs the distance, for which the host has to wait."""
        ...

    @property
    def counts_steps(self) -> bool:
        """True where the decision depends on the number of steps."""
        ...

    def decide(self, now: Moment) -> Decision:
        """Reuse what is there (there is something), or compute."""
        ...
