"""Virtual time starts anew before BullMQ's priorities run out."""

import asyncio
import itertools

from server.jobs.bull.queue import BASE, RedisQueue
from tests.jobs.contract.base import (
    MODEL,
    job,
    put,
    take,
    taken,
)
from tests.jobs.redis_process import RedisProcess

HOUR_MS = 3_600_000
"""Sweeps come when the test says so."""


def test_virtual_time_starts_anew_before_the_range_of_priorities_ends(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        await queue._client.flushall()
        await put(queue, *[job(f"a{k}", tenant="a", cost=2.0**19) for k in range(8)])
        for _ in range(4):
            await taken(queue)
        (held,) = await take(queue)
        await put(queue, *[job(f"b{k}", tenant="b", cost=2.0**19) for k in range(3)])
        fair = f"{BASE}fair:{MODEL}"
        assert float(await queue._client.hget(fair, "virtual_time")) == 5 * 2**19
        await queue._client.delete(f"{BASE}swept")
        await queue.sweep()
        said = {field: float(tag) for field, tag in (await queue._client.hgetall(fair)).items()}
        assert said == {"virtual_time": 0, "last:a": 3 * 2**19, "last:b": 3 * 2**19}
        assert await queue.release(held)
        assert await taken(queue, 9) == ["a4", "a5", "b0", "a6", "b1", "a7", "b2"]

    async def whole() -> None:
        tokens = itertools.count()
        queue = RedisQueue(redis.address, lambda: str(next(tokens)), sweep_each_ms=HOUR_MS)
        try:
            await scenario(queue)
        finally:
            await queue.close()

    asyncio.run(whole())
