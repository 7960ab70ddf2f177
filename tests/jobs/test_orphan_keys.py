"""The checker looks for orphans where real jobs have their keys: a pattern that fits none would find nothing."""

import asyncio
from fnmatch import fnmatchcase

from redis.asyncio import Redis

from server.jobs.bull.queue import RedisQueue
from server.jobs.terms import DEFAULT_TERMS
from server.redis_link import open_redis
from server.results.inputs import input_key
from server.results.redis import RedisResults
from server.worker.checkpoints import key_of
from server.worker.running import Running
from tests.faults.history import UNFINISHED
from tests.jobs.contract.base import WIDE, job, once, put, take
from tests.jobs.redis_process import RedisProcess
from tests.jobs.test_redis import fresh, pass_ms


async def orphans(client: Redis) -> dict[str, list[str]]:
    """What each pattern finds."""
    keys = [key async for key in client.scan_iter()]
    return {pattern: [key for key in keys if fnmatchcase(key, pattern)] for pattern in UNFINISHED}


async def live_in_every_way(queue: RedisQueue, results: RedisResults) -> list[str]:
    """Jobs that are held, come back, wait with a deadline and a waiter, or were left by their client."""
    await put(queue, job("back"), job("held"))
    back, held = await take(queue, 2)
    await queue.release(back, died=True)
    await results.put(key_of(Running(held, 0.0), 0), b"state", 60.0)
    await results.put(input_key("held", 0), b"image", 60.0)
    await queue.put(job("waits", deadline_ms=60_000), WIDE, waiter="w")
    await queue.put(job("left"), WIDE, once("k"), waiter="w")
    await queue.detach("left", "w")
    return ["back", "held", "waits", "left"]


def test_each_pattern_finds_a_key_while_jobs_live_and_none_when_all_have_ended(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue, results: RedisResults) -> None:
        jobs = await live_in_every_way(queue, results)
        await queue.sweep()
        assert [pattern for pattern, found in (await orphans(queue._client)).items() if not found] == []
        for job_id in jobs:
            await queue.cancel(job_id)
        await pass_ms(redis, queue, 70_000)
        assert [found for found in (await orphans(queue._client)).values() if found] == []

    async def whole() -> None:
        queue = await fresh(redis, DEFAULT_TERMS)
        results = RedisResults(open_redis(redis.address, 1))
        try:
            await scenario(queue, results)
        finally:
            await results.close()
            await queue.close()

    asyncio.run(whole())
