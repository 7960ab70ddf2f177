"""Reuse for as many steps as the last miss allows: the step-size control of ODE solvers."""

from dataclasses import dataclass
from math import log

from h2cache.checks import check_number
from h2cache.gate import Decision, Moment, Norm

SOONEST = 0.5
"""A stretch is rounded to whole steps; one that rounds to 1 has nothing in between."""


@dataclass(frozen=True, slots=True)
class StepControl:
    """How many steps may lie between two computed ones follows from how far the last forecast was off.

    A computed step tells its miss: the relative L1 between what it gave and what would have been put in. Had the
    stretch before it been (tolerance / miss)^(1 / ``damping``) times as long, the miss would have been at the
    tolerance, if misses grow with that power of the stretch; the next stretch is taken that long, at most
    ``growth`` times the last. Nothing is measured in the steps that are reused, so these cost nothing at all.

    The tolerance goes with the noise level from ``tau1`` at sigma 1, where an image's structure is made, to
    ``tau2`` at 0, where its detail is. Before there is a miss, velocities are taken to change as much as sigma
    moves, and a stretch is so long that the errors of its steps sum up to the tolerance: of g steps that each move
    by m it is g^2 m / 2. With both 0 nothing is ever reused.

    Source: Hairer, Norsett, Wanner, Solving ODEs I, II.4; the reuse is ours.
    """

    tau1: float
    tau2: float
    damping: float = 3.0
    growth: float = 2.0
    measures = Norm.MISS
    counts_steps = False
    needs_sigma = False

    def __post_init__(self) -> None:
        check_number("tau1", self.tau1)
        check_number("tau2", self.tau2)
        check_number("damping", self.damping, low=0.1)
        check_number("growth", self.growth, low=1.0)

    def decide(self, now: Moment) -> Decision:
        """See Gate. The memory is the stretch, fixed at the first step after a computed one."""
        stretch = now.memory[0] if now.memory else self.stretch(now)
        return Decision(now.step_index - now.computed + SOONEST < stretch, (stretch,))

    def stretch(self, now: Moment) -> float:
        """Steps from the newest computed one to the next."""
        tolerance = self.tau2 + (self.tau1 - self.tau2) * now.sigma
        if tolerance <= 0:
            return 0.0
        if now.distance is None or now.gap == 0:
            return float((2 * tolerance / now.moved) ** 0.5) if now.moved > 0 else 0.0
        # By logarithms first: a small miss to the power of a small damping is more than a float holds.
        if now.distance == 0 or log(tolerance) - log(now.distance) >= self.damping * log(self.growth):
            return now.gap * self.growth
        return now.gap * float((tolerance / now.distance) ** (1 / self.damping))
