"""The methods that are ours, as rows of parts: ``default`` and what it is chosen from."""

from h2cache.checks import check_number
from h2cache.fills.polynomial import Polynomial
from h2cache.gates.sigma_spaced import SigmaSpaced
from h2cache.gates.step_control import StepControl
from h2cache.guards import Guards
from h2cache.layout import WholeStep
from h2cache.method import Method, Reused, Stage

LINEAR_FROM = 0.1


def default(
    tau1: float = 0.15,
    tau2: float = 0.22,
    order: int | None = None,
    hindsight: float = 0.5,
    damping: float = 5.0,
    growth: float = 2.0,
    warmup: int = 0,
    last_full: bool = False,
    max_consecutive: int | None = None,
) -> Method:
    """Ours: velocities extrapolated for as long as their own misses allow; chosen in the arena.

    ``tau1`` is the miss allowed where an image's structure is made, ``tau2`` where its detail is. Without an
    ``order`` it is a parabola for a ``tau1`` below LINEAR_FROM and a line from there on, where stretches are long.
    """
    check_number("tau1", tau1)
    fill = Polynomial((2 if tau1 < LINEAR_FROM else 1) if order is None else order, hindsight)
    stage = Stage(StepControl(tau1, tau2, damping, growth), fill, reused=Reused.OUTPUT)
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
