"""How fast a key may spend: a bucket that fills at a rate up to a burst. Pure rules; the clock is an argument."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """``level`` was in it at ``at_s``; below zero after a request that cost more than the burst."""

    level: float
    at_s: float


def filled(bucket: TokenBucket, rate: float, burst: float, now_s: float) -> TokenBucket:
    """The bucket at ``now_s``; a clock that goes back adds nothing."""
    passed_s = max(0.0, now_s - bucket.at_s)
    return TokenBucket(min(burst, bucket.level + rate * passed_s), max(now_s, bucket.at_s))


def wait_s(bucket: TokenBucket, rate: float, burst: float, cost: float) -> float:
    """How long until ``cost`` may be spent; 0 is now.

    What costs more than the burst may be spent from a full bucket and leaves a debt, or it could never be.
    """
    return max(0.0, min(cost, burst) - bucket.level) / rate


def spend(bucket: TokenBucket, cost: float) -> TokenBucket:
    """The bucket after spending."""
    return TokenBucket(bucket.level - cost, bucket.at_s)
