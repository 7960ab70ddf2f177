"""The queue on a real Redis keeps the same contract as the one in memory, in any order of commands."""

import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, settings

from server.jobs.bull.queue import RedisQueue
from server.jobs.interface import JobQueue
from server.jobs.terms import QueueTerms
from tests.jobs.any_order import AnyOrder
from tests.jobs.contract.whole import QueueContract
from tests.jobs.redis_process import RedisProcess

SWEEPS = 3
"""BullMQ marks a job in one sweep and brings it back in the next."""


@pytest.fixture(scope="module", autouse=True)
def shared(redis: RedisProcess) -> None:
    TestRedisQueue.redis = RedisInAnyOrder.redis = redis


async def fresh(redis: RedisProcess, terms: QueueTerms) -> RedisQueue:
    tokens = itertools.count()
    queue = RedisQueue(redis.address, lambda: f"token-{next(tokens)}", terms, sweep_each_ms=1)
    await queue._client.flushall()
    return queue


async def pass_ms(redis: RedisProcess, queue: JobQueue, ms: int) -> None:
    """Sweeps come once a second; here a few are enough."""
    await queue.sweep()
    redis.pass_s(ms / 1000)
    if redis.clock_a_second:
        await asyncio.sleep(1.1)
    for _ in range(SWEEPS):
        await asyncio.sleep(0.002)
        await queue.sweep()


class TestRedisQueue(QueueContract):
    redis: RedisProcess

    async def make(self, terms: QueueTerms) -> JobQueue:
        return await fresh(self.redis, terms)

    async def pass_ms(self, queue: JobQueue, ms: int) -> None:
        await pass_ms(self.redis, queue, ms)


class RedisInAnyOrder(AnyOrder):
    redis: RedisProcess

    async def make(self, terms: QueueTerms) -> JobQueue:
        return await fresh(self.redis, terms)

    async def pass_ms(self, ms: int) -> None:
        await pass_ms(self.redis, self.queue, ms)


TestRedisInAnyOrder = RedisInAnyOrder.TestCase
TestRedisInAnyOrder.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
