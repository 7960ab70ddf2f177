"""Reuse for as long as the sample's own rate of change allows: each one settles at a time of its own."""

from dataclasses import dataclass

from h2cache.checks import check_number
from h2cache.gate import Decision, Moment, Norm

WHOLE_WAY = 1.0
"""Of sigma, from noise to image: no stretch is longer."""


@dataclass(frozen=True, slots=True)
class RateControl:
    """A stretch goes over d of sigma, where rate d^2 is the tolerance.

    A computed step tells its miss: the relative L1 between what it gave and what would have been put in. The rate
    is that miss over how far sigma came down for it. What is put in over d of sigma is then off by rate d at its
    end, and the latents go astray by rate d^2 / 2. A sample whose velocity still turns is computed in each step,
    and one that has settled has a long stretch at once: nothing depends on how long the last one was.

    The tolerance goes with the noise level from ``tau1`` at sigma 1, where an image's structure is made, to
    ``tau2`` at 0, where its detail is. Before there is a miss everything is computed, and with both 0 always.
    One number is read after each computed step; a step that is reused costs nothing.

    Ours; error per unit step as in Hairer, Norsett, Wanner, Solving ODEs I, II.4.
    """

    tau1: float
    tau2: float
    measures = Norm.MISS
    counts_steps = False
    needs_sigma = False

    def __post_init__(self) -> None:
        check_number("tau1", self.tau1)
        check_number("tau2", self.tau2)

    def decide(self, now: Moment) -> Decision:
        """See Gate. The memory is the stretch in steps, fixed at the first step after a computed one."""
        stretch = now.memory[0] if now.memory else self.stretch(now)
        return Decision(now.step_index - now.computed <= stretch, (stretch,))

    def stretch(self, now: Moment) -> float:
        """Steps after the newest computed one that are reused; steps are taken to be as long as the last."""
        tolerance = self.tau2 + (self.tau1 - self.tau2) * now.sigma
        if tolerance <= 0 or now.distance is None or now.gap == 0 or now.moved <= 0:
            return 0.0
        rate = now.distance / (now.gap * now.moved)
        far = WHOLE_WAY if rate == 0 else float(min((tolerance / rate) ** 0.5, WHOLE_WAY))
        return far / now.moved
