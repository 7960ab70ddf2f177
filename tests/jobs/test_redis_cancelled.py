"""Whoever waits for Redis can be cancelled at any time, and then is."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator

import pytest

from server.jobs.bull.queue import RedisQueue
from server.redis_link import plain_errors
from tests.jobs.contract.base import MODEL
from tests.jobs.redis_process import RedisProcess

PATIENCE_S = 10


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisProcess]:
    process = RedisProcess()
    try:
        yield process.start()
    finally:
        process.stop()


async def for_ever(call: Callable[[], Awaitable[object]]) -> None:
    while True:
        await call()


def test_a_cancellation_is_never_swallowed(redis: RedisProcess) -> None:
    async def scenario() -> None:
        tokens = itertools.count()
        queue = RedisQueue(redis.address, lambda: str(next(tokens)))
        try:
            for turns in range(60):
                task = asyncio.create_task(for_ever(lambda: queue.wait_for_work(MODEL, 1)))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
                assert done, f"after {turns} turns of the loop"
        finally:
            await queue.close()

    asyncio.run(scenario())


def test_a_command_in_a_clean_up_is_not_cut_short_by_the_cancellation_before_it() -> None:
    async def scenario() -> list[str]:
        done: list[str] = []

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                with plain_errors():
                    await asyncio.sleep(0)
                done.append("cleaned up")

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return done

    assert asyncio.run(scenario()) == ["cleaned up"]
