"""A fixed schedule: which steps are reused is written down before."""

from dataclasses import dataclass

from h2cache.errors import H2CacheError
from h2cache.gate import Decision, Moment


@dataclass(frozen=True, slots=True)
class Mask:
    """One letter a step, 1 reuses and 0 computes, as repository nanguoyu/Golden-Path-Hypothesis writes them.

    A mask is for one number of steps; for another it is stretched, and what follows a reused step is as reused.
    """

    steps: str
    measures = None
    counts_steps = True

    def __post_init__(self) -> None:
        if not isinstance(self.steps, str) or not self.steps or set(self.steps) - {"0", "1"}:
            raise H2CacheError(f"steps is {str(self.steps)[:64]!r}, allowed are the letters 0 and 1")

    def decide(self, now: Moment) -> Decision:
        """See Gate."""
        return Decision(self.steps[now.step_index * len(self.steps) // now.num_steps] == "1")
