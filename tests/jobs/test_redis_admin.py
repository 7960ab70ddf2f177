"""What an operator sees of the queue in Redis and can do with it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from server.jobs.admin import QueueAdmin
from server.jobs.event import Ended, JobState, Queued, Started
from server.jobs.terms import DEFAULT_TERMS
from server.jobs.workers import WorkerInfo
from tests.jobs.contract.base import DONE, MODEL, ids, job, log_of, put, take
from tests.jobs.redis_process import RedisProcess
from tests.jobs.test_redis import fresh


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisProcess]:
    process = RedisProcess()
    try:
        yield process.start()
    finally:
        process.stop()


def run(redis: RedisProcess, scenario: Callable[[QueueAdmin], Awaitable[None]]) -> None:
    async def whole() -> None:
        queue = await fresh(redis, DEFAULT_TERMS)
        try:
            await scenario(queue)
        finally:
            await queue.close()

    asyncio.run(whole())


async def die(queue: QueueAdmin) -> None:
    """Whoever is first in line takes three workers with it."""
    for _ in range(3):
        (lease,) = await take(queue)
        await queue.release(lease, died=True)


def test_dead_jobs_get_a_new_life(redis: RedisProcess) -> None:
    async def scenario(queue: QueueAdmin) -> None:
        await put(queue, job("poison", tenant="t", priority=3))
        await die(queue)
        await put(queue, job("unwanted"))
        await queue.cancel("unwanted")
        assert ids(await queue.list_all([JobState.DEAD], 10)) == ["poison"]
        assert await queue.retry_dead() == ["poison"]
        assert await queue.retry_dead() == []
        (lease,) = await take(queue)
        assert (lease.job, lease.attempt, lease.alone) == (job("poison", tenant="t", priority=3), 1, False)
        assert await queue.finish(lease, DONE)
        assert await log_of(queue, "poison") == [
            Queued(0),
            Started(1),
            Ended(JobState.FINISHED, result=DONE),
        ]
        assert ids(await queue.list_jobs("t", 9)) == ["poison"]
        depth = await queue.depth()
        assert (depth.images_waiting, depth.images_running) == (0, 0)

    run(redis, scenario)


def test_a_worker_is_told_to_drain_with_its_next_heartbeat(redis: RedisProcess) -> None:
    async def scenario(queue: QueueAdmin) -> None:
        info = WorkerInfo("w1", MODEL, "1", max_images=8)
        assert not await queue.drain("w1"), "nobody knows it yet"
        assert not await queue.announce(info, 15_000)
        assert await queue.drain("w1")
        assert await queue.announce(info, 15_000)
        assert not await queue.announce(WorkerInfo("w2", MODEL, "1", max_images=8), 15_000)

    run(redis, scenario)
