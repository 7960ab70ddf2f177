"""The keys' buckets in Redis, one for all API processes of a cluster."""

import asyncio
import logging
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from server.access.caller import Caller
from server.access.rates import burst_of, over_the_rate
from server.errors import NotReady
from server.redis_link import plain_errors

PREFIX = "h2serve:rate:"
"""Before a key's id. A bucket that is full again is forgotten by itself."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RedisRates:
    """Implements ``Rates``. ``client`` is a redis.asyncio client, of bytes or text; its owner closes it.

    One call at a time: who comes with many others waits here, not for a connection, which has a time limit.
    """

    client: Any
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def spend(self, caller: Caller, cost: float) -> None:
        """See Rates. The clock is Redis' own."""
        if caller.limits.cost_per_s is None:
            return
        wait_s = await self._spend(caller, cost)
        if wait_s > 0:
            raise over_the_rate(caller, cost, wait_s)

    async def refund(self, caller: Caller, cost: float) -> None:
        """See Rates. Where Redis is away it is let go: the bucket fills again anyway."""
        if caller.limits.cost_per_s is None:
            return
        try:
            await self._spend(caller, -cost)
        except NotReady as error:
            log.warning("a key's rate was not given back: %s", error.message)

    async def _spend(self, caller: Caller, cost: float) -> float:
        script = self.client.register_script((files("server.access") / "scripts" / "spend.lua").read_text())
        async with self._one_at_a_time:
            args = [caller.limits.cost_per_s, burst_of(caller), cost]
            with plain_errors():
                return float(await script(keys=[PREFIX + caller.key_id], args=args))
