"""What each key has under way in this process, and what it may still spend."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from server.access.caller import Caller
from server.access.token_bucket import TokenBucket, filled, spend, wait_s
from server.errors import RateLimited

SHORTEST_WAIT_S, LONGEST_WAIT_S = 1.0, 120.0
"""Clients honour Retry-After up to 120 s (openai-python)."""


@dataclass
class Usage:
    """Owned by the API; every call runs on its event loop. ``clock`` gives monotonic seconds."""

    clock: Callable[[], float]
    _buckets: dict[str, TokenBucket] = field(default_factory=dict)
    _in_flight: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @contextmanager
    def under_way(self, caller: Caller, num_images: int, cost: float) -> Iterator[None]:
        """Count the images until the block is left, and spend the cost. Raises RateLimited."""
        self._check_in_flight(caller, num_images)
        self._spend(caller, cost)
        self._in_flight[caller.key_id] += num_images
        try:
            yield
        finally:
            self._in_flight[caller.key_id] -= num_images
            if not self._in_flight[caller.key_id]:
                del self._in_flight[caller.key_id]

    def refund(self, caller: Caller, cost: float) -> None:
        """Give back what was spent for a request that did not get into the queue."""
        if caller.key_id in self._buckets:
            self._buckets[caller.key_id] = spend(self._buckets[caller.key_id], -cost)

    def _check_in_flight(self, caller: Caller, num_images: int) -> None:
        allowed, now = caller.limits.max_in_flight, self._in_flight.get(caller.key_id, 0)
        if allowed is not None and now + num_images > allowed:
            raise RateLimited(
                f"{now} images of this key are under way, allowed are {allowed}; this request has {num_images}",
                SHORTEST_WAIT_S,
            )

    def _spend(self, caller: Caller, cost: float) -> None:
        rate = caller.limits.cost_per_s
        if rate is None:
            return
        burst = caller.limits.burst or rate
        now_s = self.clock()
        bucket = filled(self._buckets.get(caller.key_id, TokenBucket(burst, now_s)), rate, burst, now_s)
        wait = wait_s(bucket, rate, burst, cost)
        if wait > 0:
            self._buckets[caller.key_id] = bucket
            message = f"this key may spend {rate:g} a second and {burst:g} at once; this request costs {cost:.3g}"
            raise RateLimited(message, min(max(wait, SHORTEST_WAIT_S), LONGEST_WAIT_S))
        self._buckets[caller.key_id] = spend(bucket, cost)
