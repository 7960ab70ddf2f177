"""Bounds on reuse, whatever the gate says."""

from dataclasses import dataclass

from h2cache.checks import check_count, check_flag, check_number
from h2cache.errors import H2CacheError


@dataclass(frozen=True, slots=True)
class Guards:
    """None by default, as the paper of H2-Cache has none.

    - ``warmup``: the first so many steps are full, and after them ``warmup_share`` of all steps, rounded down.
    - ``last_full``: the last step is full.
    - ``max_consecutive``: a stage is reused in at most so many steps in a row, then it computes; 0 reuses nothing.
    """

    warmup: int = 0
    warmup_share: float = 0.0
    last_full: bool = False
    max_consecutive: int | None = None

    def __post_init__(self) -> None:
        check_count("warmup", self.warmup)
        check_number("warmup_share", self.warmup_share)
        check_flag("last_full", self.last_full)
        cap = self.max_consecutive
        if cap is not None and (not isinstance(cap, int) or isinstance(cap, bool) or cap < 0):
            raise H2CacheError(f"max_consecutive is {cap!r}, allowed is a whole number from 0 up, or None")

    def holds_step(self, step_index: int, num_steps: int) -> bool:
        """True where the step has to be full: in the warm-up, and at the end where that is asked."""
        warmup = self.warmup + int(self.warmup_share * num_steps)
        return step_index < warmup or (self.last_full and step_index == num_steps - 1)

    def holds_stage(self, consecutive: int) -> bool:
        """True where a stage has been reused as often in a row as is allowed."""
        return self.max_consecutive is not None and consecutive >= self.max_consecutive
