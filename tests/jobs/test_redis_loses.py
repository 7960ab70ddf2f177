"""A Redis that dies or forgets: what it kept is done, and what it lost is said."""

import asyncio
from dataclasses import replace

import pytest

from server.errors import JobLost, StorageUnreachable
from server.jobs.bull.queue import BASE, RedisQueue
from server.jobs.event import Ended, JobState
from server.jobs.workers import WorkerInfo
from tests.jobs.contract.base import (
    DONE,
    MODEL,
    WIDE,
    job,
    lease_of,
    log_of,
    put,
    taken,
)
from tests.jobs.redis_process import RedisProcess
from tests.jobs.redis_scenario import run


def test_a_store_that_forgets_everything_says_so_to_those_who_wait_and_heals_by_itself(
    redis: RedisProcess,
) -> None:
    async def scenario(queue: RedisQueue) -> None:
        lease = await lease_of(queue, "running")
        await put(queue, job("waiting"))
        watching = [asyncio.create_task(log_of(queue, name)) for name in ("running", "waiting")]
        await asyncio.sleep(0.2)
        await queue._client.flushall()
        async with asyncio.timeout(5):
            said = await asyncio.gather(*watching, return_exceptions=True)
        assert [type(each) for each in said] == [JobLost, JobLost]
        assert (await queue.renew([lease])).lost == {"running"}
        assert not await queue.finish(lease, DONE)
        await put(queue, job("new"))
        assert await taken(queue, 9) == ["new"]

    run(redis, scenario)


def test_a_worker_s_profile_is_written_once_and_again_when_redis_was_emptied(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        info = WorkerInfo("w", MODEL, "1", 8, profile="its own")
        await queue.announce(info, 15_000)
        assert await queue.models() == {MODEL: "its own"}
        await queue._client.hset(f"{BASE}profiles", MODEL, "another's")
        await queue.announce(info, 15_000)
        assert await queue.models() == {MODEL: "another's"}
        await queue._client.flushall()
        await queue.announce(info, 15_000)
        assert await queue.models() == {MODEL: "its own"}
        await queue.announce(replace(info, profile="a new one"), 15_000)
        assert await queue.models() == {MODEL: "a new one"}

    run(redis, scenario)


def test_a_redis_that_is_killed_loses_no_accepted_job_and_watchers_go_on(durable: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        lease = await lease_of(queue, "running")
        await put(queue, job("waiting"))
        watching = asyncio.create_task(log_of(queue, "running"))
        await asyncio.sleep(0.2)
        durable.kill()
        with pytest.raises(StorageUnreachable):
            await queue.put(job("refused"), WIDE)
        durable.start()
        assert await queue.finish(lease, DONE)
        assert await taken(queue, 9) == ["waiting"]
        assert (await watching)[-1] == Ended(JobState.FINISHED, result=DONE)

    run(durable, scenario)
