"""When a message that was not taken is sent again."""

WAITS_S = (5.0, 30.0, 120.0, 600.0, 3600.0)
"""Before the second attempt and each later one, as long again at most."""
GONE = 410


def wait_before_next(attempt: int, status: int | None, chance: float) -> float | None:
    """Seconds after ``attempt`` (from 1) was answered with ``status``, None where nobody answered.

    None when there is no next: it was taken (2xx), the receiver is gone (410), or there were enough. ``chance``
    from 0 to 1 spreads messages that failed together. A redirect is not followed: it is not taken.
    """
    if is_taken(status) or status == GONE or attempt > len(WAITS_S):
        return None
    return WAITS_S[attempt - 1] * (1 + chance)


def is_taken(status: int | None) -> bool:
    """A redirect is not: nobody follows it."""
    return status is not None and 200 <= status < 300
