"""Reuse for as long as the sample's own rate of change allows: each one settles at a time of its own."""

from dataclasses import dataclass

from h2cache.checks import check_number
from h2cache.gate import Decision, Moment, Norm

WHOLE_WAY = 1.0
"""Of sigma, from noise to image: no stretch is longer."""
TOLERANCE = 2.5
"""Of a threshold of 1; with it the paper's thresholds make about the paper's images."""
DETAIL = 0.68
"""A ``tau2`` of as much more than ``tau1`` as the paper's (0.22 to 0.15) is the same tolerance."""
FIRST_JUMP = 0.45
"""The share of a velocity by which the one after the first step differs from what is put in for it."""


@dataclass(frozen=True, slots=True)
class RateControl:
    """A stretch goes over d of sigma, where rate d^2 is the tolerance.

    A computed step tells by how much what would have been put in was off, for each unit that sigma came down for
    it (``Norm.RATE``). What is put in over d of sigma is then off by rate d at its end, and the latents go astray
    by rate d^2 / 2. One sample's rate at one step is a noisy number, so that the geometric mean of it and of what
    is usual at that noise level is taken. A sample whose velocity still turns is computed often, and one that has
    settled has a long stretch at once: nothing depends on how long the last one was. After the first step nothing
    is known, and the velocity jumps: d is where the jump's error, FIRST_JUMP d, is half of the tolerance.

    The tolerance is 2.5 tau^2, tau going with the noise level from ``tau1`` at sigma 1, where an image's structure
    is made, to DETAIL ``tau2`` at 0, where its detail is. With both 0 everything is computed. One number is read
    after each computed step; where the caller knows the noise levels, a step that is reused costs nothing.

    Ours; error per unit step as in Hairer, Norsett, Wanner, Solving ODEs I, II.4.
    """

    tau1: float
    tau2: float
    measures = Norm.RATE
    counts_steps = False

    def __post_init__(self) -> None:
        check_number("tau1", self.tau1)
        check_number("tau2", self.tau2)

    def decide(self, now: Moment) -> Decision:
        """See Gate. The memory is the stretch, fixed at the first step after a computed one."""
        stretch = now.memory[0] if now.memory else self.stretch(now)
        return Decision(0 < now.moved <= stretch, (stretch,))

    def stretch(self, now: Moment) -> float:
        """How far sigma may come down after the newest computed step."""
        tolerance = self.tolerance(now.sigma)
        if now.distance is None:
            far = tolerance / (2 * FIRST_JUMP) if now.gap == 0 else 0.0
        else:
            rate = (now.distance * usual_rate(now.sigma)) ** 0.5
            far = (tolerance / rate) ** 0.5 if rate > 0 else WHOLE_WAY * (tolerance > 0)
        return float(min(far, WHOLE_WAY))

    def tolerance(self, sigma: float) -> float:
        """By how much latents may go astray in a stretch that starts there, twice over."""
        return TOLERANCE * (self.tau1 * sigma + DETAIL * self.tau2 * (1 - sigma)) ** 2


def usual_rate(sigma: float) -> float:
    """The share of itself by which a velocity changes for a unit of sigma: 15 near noise, 0.4 from 0.7 down.

    Measured on flux-nano (docs/experiments.md). That structure is made near noise and little turns below sigma 0.7
    is to be expected of flow models of images; a random model, which makes none, does not do so.
    """
    return 0.4 + 15 * min(max(sigma, 0.0), 1.0) ** 10
