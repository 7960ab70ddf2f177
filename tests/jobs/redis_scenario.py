"""A scenario on a fresh queue of a real Redis."""

import asyncio
from collections.abc import Awaitable, Callable

from server.jobs.bull.queue import RedisQueue
from server.jobs.terms import DEFAULT_TERMS
from tests.jobs.redis_process import RedisProcess
from tests.jobs.test_redis import fresh

LIMIT_S = 60


def run(redis: RedisProcess, scenario: Callable[[RedisQueue], Awaitable[None]], limit_s: float = LIMIT_S) -> None:
    """On an event loop of its own, within a time limit."""

    async def whole() -> None:
        queue = await fresh(redis, DEFAULT_TERMS)
        try:
            async with asyncio.timeout(limit_s):
                await scenario(queue)
        finally:
            await queue.close()

    asyncio.run(whole())
