"""When a job is cancelled because nobody waits for it any more."""


def cancel_at(asynchronous: bool, has_key: bool, waiters: int, now_ms: int, grace_ms: int) -> int | None:
    """The time in ms, None for never.

    A client with an Idempotency-Key may come back and attach to its job; one without has no means to.
    """
    if asynchronous or waiters:
        return None
    return now_ms + grace_ms if has_key else now_ms
