"""Bounds on reuse, whatever the gate says."""

import math
from dataclasses import dataclass

from h2cache.checks import check_count, check_flag, check_number
from h2cache.errors import H2CacheError


@dataclass(frozen=True, slots=True)
class Guards:
    """None by default, as the paper of H2-Cache has none.

    - ``warmup``: the first so many steps are full, and after them ``warmup_share`` of all steps, rounded down.
    - ``last_full``: the last step is full.
    - ``max_consecutive``: a stage is reused in at most so many steps in a row, then it computes; 0 reuses nothing.
    - ``max_reuse_share``: in at most this share of all steps, rounded down, is anything reused.
    - ``min_reuse_share``: in at least this share, rounded up, something is; where the gate has left so few steps
      that all of them are needed, it is overruled. The bounds above are kept, even where the share is then missed.
    """

    warmup: int = 0
    warmup_share: float = 0.0
    last_full: bool = False
    max_consecutive: int | None = None
    max_reuse_share: float = 1.0
    min_reuse_share: float = 0.0

    def __post_init__(self) -> None:
        check_count("warmup", self.warmup)
        check_number("warmup_share", self.warmup_share)
        check_flag("last_full", self.last_full)
        cap = self.max_consecutive
        if cap is not None and (not isinstance(cap, int) or isinstance(cap, bool) or cap < 0):
            raise H2CacheError(f"max_consecutive is {cap!r}, allowed is a whole number from 0 up, or None")
        check_number("min_reuse_share", self.min_reuse_share)
        check_number("max_reuse_share", self.max_reuse_share, low=self.min_reuse_share)
        if self.max_reuse_share > 1:
            raise H2CacheError(f"max_reuse_share is {self.max_reuse_share!r}, allowed is a share up to 1")

    @property
    def counts_steps(self) -> bool:
        """True where a bound depends on how many steps there will be."""
        has_budget = self.max_reuse_share < 1 or self.min_reuse_share > 0
        return self.last_full or self.warmup_share > 0 or has_budget

    def holds_step(self, step_index: int, num_steps: int) -> bool:
        """True where the step has to be full: in the warm-up, and at the end where that is asked."""
        warmup = self.warmup + int(self.warmup_share * num_steps)
        return step_index < warmup or (self.last_full and step_index == num_steps - 1)

    def holds_stage(self, consecutive: int) -> bool:
        """True where a stage has been reused as often in a row as is allowed."""
        return self.max_consecutive is not None and consecutive >= self.max_consecutive

    def has_spent(self, reused: int, num_steps: int) -> bool:
        """True where so many steps have reused something that no more may."""
        return reused + 1 > self.max_reuse_share * num_steps + ROUNDING

    def must_reuse(self, reused: int, step_index: int, num_steps: int) -> bool:
        """True where this step and all to come have to reuse something, for the least share to be reached."""
        to_come = num_steps - step_index - self.last_full
        return to_come <= math.ceil(self.min_reuse_share * num_steps - ROUNDING) - reused


ROUNDING = 1e-9
"""0.29 x 100 is a little less than 29."""
