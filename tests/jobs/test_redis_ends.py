"""How jobs begin and end in Redis: a place first, each end once, and a poison job's mates are done."""

import asyncio
import itertools

from server.jobs.bull.queue import RedisQueue
from server.jobs.event import JobState, Queued
from tests.jobs.contract.base import (
    DONE,
    end_of,
    job,
    put,
    take,
)
from tests.jobs.redis_process import RedisProcess
from tests.jobs.redis_scenario import run
from tests.jobs.test_redis import pass_ms


def test_the_log_begins_with_the_place_in_the_queue(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        await put(queue, job("a"), job("b"), job("c"))
        events = queue.events("c")
        assert (await anext(events)).what == Queued(2)

    run(redis, scenario)


def test_each_end_is_told_once_whoever_brings_it_about(redis: RedisProcess) -> None:
    ends: list[JobState] = []

    async def whole() -> None:
        tokens = itertools.count()
        queue = RedisQueue(redis.address, lambda: str(next(tokens)), sweep_each_ms=1, on_end=ends.append)
        try:
            await ends_of_every_kind(queue)
        finally:
            await queue.close()

    async def ends_of_every_kind(queue: RedisQueue) -> None:
        await queue._client.flushall()
        await put(queue, job("well"), job("ill"))
        finished, failed = await take(queue, images=2)
        for _ in range(2):
            await queue.finish(finished, DONE)
            await queue.fail(failed, "no")
        await put(queue, job("unwanted"), job("late", deadline_ms=1000))
        for _ in range(2):
            await queue.cancel("unwanted")
        await pass_ms(redis, queue, 2_000)
        await put(queue, job("poison"))
        for _ in range(3):
            (lease,) = await take(queue)
            await queue.release(lease, died=True)

    asyncio.run(whole())
    assert ends == ["finished", "failed", "cancelled", "expired", "dead"]


def test_a_poison_job_ends_dead_and_its_seven_mates_are_done(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        names = [f"mate{number}" for number in range(7)]
        await put(queue, *map(job, [*names[:3], "poison", *names[3:]]))
        while leases := await take(queue, 8):
            if any(lease.job.id == "poison" for lease in leases):
                await pass_ms(redis, queue, 17_000)
            else:
                await asyncio.gather(*[queue.finish(lease, DONE) for lease in leases])
        assert (await end_of(queue, "poison")).state is JobState.DEAD
        for name in names:
            assert (await end_of(queue, name)).state is JobState.FINISHED

    run(redis, scenario)
