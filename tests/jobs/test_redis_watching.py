"""A subscription may lose messages: each second everything that is watched is looked at."""

import asyncio
import contextlib

from server.jobs.bull.queue import BASE, RedisQueue
from server.jobs.event import Stepped
from server.jobs.payload import event_to_json
from tests.jobs.contract.base import job, put, step, take
from tests.jobs.redis_process import RedisProcess
from tests.jobs.redis_scenario import run

TOLD_S = 5.0


def test_a_lost_message_is_made_up_for_though_another_job_has_news_all_the_time(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        await put(queue, job("busy"), job("silent"))
        (busy,) = await take(queue)

        async def make_news() -> None:
            while True:
                await step(queue, busy, 1)
                await asyncio.sleep(0.005)

        async def watch_busy() -> None:
            async for _ in queue.events("busy"):
                pass

        beside = [asyncio.create_task(make_news()), asyncio.create_task(watch_busy())]
        silent = queue.events("silent")
        await anext(silent)
        await asyncio.sleep(0.1)
        await queue._client.xadd(f"{BASE}ev:silent", {"e": event_to_json(Stepped(3, 4))})  # and nobody is told
        async with asyncio.timeout(TOLD_S):
            assert (await anext(silent)).what == Stepped(3, 4)
        for task in beside:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    run(redis, scenario)
