"""The queue's times and limits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueTerms:
    """Times in milliseconds.

    A lease that is not renewed ends after ``lease_ms``. An ended job and its events are kept for ``keep_ms``, an
    Idempotency-Key for ``once_ms``. A job with a key outlives its last waiter by ``grace_ms``. A job that does not
    fit is overtaken for ``patience_ms`` at most. A job's log holds about ``most_events``.
    A submit is answered when the job is on disk, within ``disk_ms``; 0 does not wait, and memory has no disk.
    """

    lease_ms: int = 15_000
    keep_ms: int = 3_600_000
    once_ms: int = 86_400_000
    grace_ms: int = 30_000
    patience_ms: int = 10_000
    most_events: int = 256
    disk_ms: int = 0


DEFAULT_TERMS = QueueTerms()
