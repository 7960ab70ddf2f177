"""The method that is ours, as a row of parts."""

from h2cache.checks import check_number
from h2cache.fills.polynomial import Polynomial
from h2cache.gates.rate_control import RateControl
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
