"""Pure rules of a worker: is the engine alive, and who can end before the worker has to go."""


def ticks(last_tick_s: float | None, now_s: float, stalled_after_s: float) -> bool:
    """True when the engine's loop has turned lately.

    A lease that is renewed beside an engine that hangs would hold its job for ever.
    """
    return last_tick_s is not None and now_s - last_tick_s <= stalled_after_s


def ends_in_time(steps_left: int, step_s: float | None, left_s: float) -> bool:
    """True while the job's steps, at the mean time of a step, fit what is left; unmeasured steps are hoped for."""
    return step_s is None or steps_left * step_s <= left_s


def smoothed(mean_s: float | None, step_s: float) -> float:
    """The mean time of a step, of which the last ten count most."""
    return step_s if mean_s is None else 0.9 * mean_s + 0.1 * step_s
