"""On a server that has WAITAOF, a submit can wait until the job is on disk. And a newer server than Redis 7.0."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest

from server.errors import StorageUnreachable
from server.jobs.bull.queue import RedisQueue
from server.jobs.event import JobState
from server.jobs.submit import Accepted
from server.jobs.terms import DEFAULT_TERMS
from tests.jobs.contract.base import DONE, WIDE, end_of, job, once, put, step, take, taken
from tests.jobs.redis_process import RedisProcess, valkey_server

LAZY = ("--save", "", "--appendonly", "yes", "--appendfsync", "everysec")
NEVER = ("--save", "", "--appendonly", "yes", "--appendfsync", "no")
NO_FILE = ("--save", "", "--appendonly", "no")


@pytest.fixture(params=[LAZY], ids=["everysec"])
def valkey(request: pytest.FixtureRequest) -> Iterator[RedisProcess]:
    process = RedisProcess(request.param, program=valkey_server())
    try:
        yield process.start()
    finally:
        process.stop()


def run(valkey: RedisProcess, scenario: Callable[[RedisQueue], Awaitable[None]], disk_ms: int) -> None:
    async def whole() -> None:
        tokens = itertools.count()
        terms = replace(DEFAULT_TERMS, disk_ms=disk_ms)
        queue = RedisQueue(valkey.address, lambda: str(next(tokens)), terms)
        try:
            async with asyncio.timeout(60):
                await scenario(queue)
        finally:
            await queue.close()

    asyncio.run(whole())


def test_a_submit_that_waited_for_the_disk_survives_the_death_of_the_server(valkey: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        assert await queue.put(job("a"), WIDE, once("k")) == Accepted("a")
        valkey.kill()
        valkey.start()
        assert await taken(queue, 5) == ["a"]

    run(valkey, scenario, disk_ms=5_000)


@pytest.mark.parametrize("valkey", [NEVER], indirect=True, ids=["never"])
def test_a_submit_that_is_not_on_disk_in_time_is_not_acknowledged_and_can_be_repeated(
    valkey: RedisProcess,
) -> None:
    async def scenario(queue: RedisQueue) -> None:
        with pytest.raises(StorageUnreachable, match="disk"):
            await queue.put(job("a"), WIDE)
        await queue._client.config_set("appendfsync", "always")
        assert await queue.put(job("a"), WIDE) == Accepted("a", is_new=False)
        assert await taken(queue, 5) == ["a"]

    run(valkey, scenario, disk_ms=500)


@pytest.mark.parametrize("valkey", [NO_FILE], indirect=True, ids=["no file"])
def test_a_server_that_cannot_wait_for_its_disk_says_so(valkey: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        with pytest.raises(StorageUnreachable, match="does not wait"):
            await queue.put(job("a"), WIDE)

    run(valkey, scenario, disk_ms=50)


def test_a_job_lives_its_life_on_valkey(valkey: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        await put(queue, job("a"), job("b", priority=5), job("c", tenant="t"))
        for lease in await take(queue, 8):
            await step(queue, lease, 1)
            assert await queue.finish(lease, DONE)
        for name in "abc":
            assert (await end_of(queue, name)).state is JobState.FINISHED

    run(valkey, scenario, disk_ms=0)
