"""The keys' buckets in this process, for a server that is one process."""

from collections.abc import Callable
from dataclasses import dataclass, field

from server.access.caller import Caller
from server.access.rates import burst_of, over_the_rate
from server.access.token_bucket import TokenBucket, filled, spend, wait_s


@dataclass
class MemoryRates:
    """Implements ``Rates``. Every call runs on one event loop. ``clock`` gives monotonic seconds."""

    clock: Callable[[], float]
    _buckets: dict[str, TokenBucket] = field(default_factory=dict)

    async def spend(self, caller: Caller, cost: float) -> None:
        """See Rates."""
        rate = caller.limits.cost_per_s
        if rate is None:
            return
        now_s, burst = self.clock(), burst_of(caller)
        bucket = filled(self._buckets.get(caller.key_id, TokenBucket(burst, now_s)), rate, burst, now_s)
        wait = wait_s(bucket, rate, burst, cost)
        self._buckets[caller.key_id] = bucket if wait > 0 else spend(bucket, cost)
        if wait > 0:
            raise over_the_rate(caller, cost, wait)

    async def refund(self, caller: Caller, cost: float) -> None:
        """See Rates."""
        if caller.key_id in self._buckets:
            self._buckets[caller.key_id] = spend(self._buckets[caller.key_id], -cost)
