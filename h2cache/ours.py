"""The methods that are ours, as rows of parts: ``default`` and what it is chosen from."""

from h2cache.checks import check_number
from h2cache.fills.polynomial import Polynomial
from h2cache.gates.rate_control import RateControl
from h2cache.gates.sigma_spaced import SigmaSpaced
from h2cache.guards import Guards
from h2cache.layout import WholeStep
from h2cache.method import Method, Reused, Stage

LINEAR_BELOW = 0.09


def default(
    tau1: float = 0.15,
    tau2: float = 0.22,
    order: int | None = None,
    warmup: int = 0,
    last_full: bool = False,
    max_consecutive: int | None = None,
) -> Method:
    """Ours: the velocity held for as long as the sample's own rate of change allows; chosen in the arena.

    ``tau1`` is for where an image's structure is made, ``tau2`` for where its detail is. Without an ``order`` the
    velocity is held; a ``tau1`` below LINEAR_BELOW has it follow a line, over short stretches.
    """
    check_number("tau1", tau1)
    fill = Polynomial((1 if tau1 < LINEAR_BELOW else 0) if order is None else order, calms_first=True)
    stage = Stage(RateControl(tau1, tau2), fill, reused=Reused.OUTPUT)
    return Method("default", WholeStep(), (stage,), Guards(warmup, 0.0, last_full, max_consecutive))


def spaced(
    tau1: float = 0.04,
    tau2: float = 0.3,
    order: int = 1,
    hindsight: float = 0.5,
    hindsight_below: float = 0.85,
    feedback: float = 0.0,
    usual: float = 0.1,
    warmup: int = 0,
    last_full: bool = False,
    max_consecutive: int | None = None,
) -> Method:
    """Ours: velocities extrapolated between steps spaced in sigma, ``tau1`` in noise, ``tau2`` at the image."""
    fill = Polynomial(order, hindsight, hindsight_below)
    stage = Stage(SigmaSpaced(tau1, tau2, feedback, usual), fill, reused=Reused.OUTPUT)
    return Method("spaced", WholeStep(), (stage,), Guards(warmup, 0.0, last_full, max_consecutive))
