"""The in-memory queue keeps the contract, in any order of commands, within bounded memory."""

import asyncio
import itertools

from hypothesis import settings

from server.jobs.interface import JobQueue
from server.jobs.memory import MemoryQueue
from tests.jobs.any_order import AnyOrder
from tests.jobs.contract import BOUND, DONE, QueueContract, all_events, job


def fresh(keep_ended: int = 256) -> MemoryQueue:
    tokens = itertools.count()
    return MemoryQueue(lambda: f"token-{next(tokens)}", keep_ended)


class TestMemoryQueue(QueueContract):
    async def make(self) -> JobQueue:
        return fresh()


class MemoryInAnyOrder(AnyOrder):
    async def make(self) -> JobQueue:
        return fresh()


TestMemoryInAnyOrder = MemoryInAnyOrder.TestCase
TestMemoryInAnyOrder.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_ended_jobs_are_forgotten_beyond_a_number() -> None:
    async def scenario() -> None:
        queue = fresh(keep_ended=3)
        for i in range(10):
            await queue.put(job(str(i)), BOUND)
            (lease,) = await queue.take(1, "flux-nano")
            await queue.finish(lease, DONE)
        assert [bool(await all_events(queue, str(i))) for i in range(10)] == 7 * [False] + 3 * [True]

    asyncio.run(scenario())
