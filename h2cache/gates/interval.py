"""Compute each n-th step, whatever happens: TaylorSeer and its kin."""

from dataclasses import dataclass

from h2cache.checks import check_count
from h2cache.gate import Decision, Moment


@dataclass(frozen=True, slots=True)
class Interval:
    """Compute where (step - ``offset``) is a multiple of ``every``. Source: TaylorSeer, arXiv 2503.06923.

    With the first three steps full, offset 2 counts the interval from the last of them, as repository
    Shenyi-Z/TaylorSeer does; diffusers' TaylorSeer has 4: its first full step after the warm-up comes at step 4.
    """

    every: int = 6
    offset: int = 2
    measures = None
    counts_steps = False

    def __post_init__(self) -> None:
        check_count("every", self.every, low=1)
        check_count("offset", self.offset)

    def decide(self, now: Moment) -> Decision:
        """See Gate."""
        return Decision((now.step_index - self.offset) % self.every != 0)
