"""Compute where the noise level has come far enough since the last computed step: a schedule in sigma."""

from dataclasses import dataclass

from h2cache.checks import check_number
from h2cache.errors import H2CacheError
from h2cache.gate import COMPUTE, Decision, Moment, Norm

MOST_FEEDBACK = 2.0
"""A miss lengthens or shortens the way to the next computed step at most by this factor."""


@dataclass(frozen=True, slots=True)
class SigmaSpaced:
    """Reuse while sigma is within ``tau1`` sigma + ``tau2`` (1 - sigma) of the last computed step's.

    Computed steps are then evenly spaced in a warped sigma: ``tau1`` apart in pure noise, where an image's
    structure is made and errors are carried on, ``tau2`` apart at the image. Whatever the number of steps, about
    as many are computed, wherever the sampler has put them. Nothing is measured: a reused step costs nothing, and
    nobody waits where the caller knows the noise levels. With both 0 nothing is ever reused.

    With ``feedback`` a computed step tells its miss (``Norm.MISS``), and the way to the next one is
    (``usual`` / miss)^``feedback`` times as long, at most twice and at least half: a sample that is harder to
    foretell than is ``usual`` is computed more often. That is one number read after each computed step.

    Ours; spacing the evaluations of a flow by its noise levels is from schedulers of few steps (Karras et al.,
    arXiv 2206.00364, section 3).
    """

    tau1: float
    tau2: float
    feedback: float = 0.0
    usual: float = 0.1
    counts_steps = False
    needs_sigma = True

    def __post_init__(self) -> None:
        check_number("tau1", self.tau1)
        check_number("tau2", self.tau2)
        check_number("feedback", self.feedback)
        if self.feedback > 1:
            raise H2CacheError(f"feedback is {self.feedback!r}, allowed is a number from 0 to 1")
        check_number("usual", self.usual, low=1e-6)

    @property
    def measures(self) -> Norm | None:
        """See Gate."""
        return Norm.MISS if self.feedback > 0 else None

    def decide(self, now: Moment) -> Decision:
        """See Gate. The memory is what the last miss makes of the way, told at the first step after it."""
        here = now.sigma - now.moved
        allowed = self.tau1 * here + self.tau2 * (1 - here)
        if allowed <= 0:
            return COMPUTE
        factor = now.memory[0] if now.memory else self.factor(now.distance)
        return Decision(now.moved <= allowed * factor, (factor,))

    def factor(self, miss: float | None) -> float:
        """How much longer than usual the way may be after a miss; 1 where none is known."""
        if self.feedback == 0 or miss is None:
            return 1.0
        wanted = (self.usual / miss) ** self.feedback if miss > 0 else MOST_FEEDBACK
        return float(min(max(wanted, 1 / MOST_FEEDBACK), MOST_FEEDBACK))
