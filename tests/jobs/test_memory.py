"""The in-memory queue keeps the contract, in any order of commands, within bounded memory."""

import asyncio
import itertools

from hypothesis import settings

from server.jobs.interface import JobQueue
from server.jobs.memory import MemoryQueue
from server.jobs.terms import DEFAULT_TERMS, QueueTerms
from tests.jobs.any_order import AnyOrder
from tests.jobs.contract.base import DONE, job, put, take
from tests.jobs.contract.whole import QueueContract


class Clock:
    """Time that passes when told to, in seconds since 1970."""

    now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


def fresh(terms: QueueTerms = DEFAULT_TERMS, clock: Clock | None = None, keep_ended: int = 256) -> MemoryQueue:
    tokens = itertools.count()
    return MemoryQueue(lambda: f"token-{next(tokens)}", clock or Clock(), terms, keep_ended)


class TestMemoryQueue(QueueContract):
    async def make(self, terms: QueueTerms) -> JobQueue:
        self.clock = Clock()
        return fresh(terms, self.clock)

    async def pass_ms(self, queue: JobQueue, ms: int) -> None:
        self.clock.now_s += ms / 1000
        await queue.sweep()


class MemoryInAnyOrder(AnyOrder):
    async def make(self, terms: QueueTerms) -> JobQueue:
        self.clock = Clock()
        return fresh(terms, self.clock)

    async def pass_ms(self, ms: int) -> None:
        self.clock.now_s += ms / 1000


TestMemoryInAnyOrder = MemoryInAnyOrder.TestCase
TestMemoryInAnyOrder.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_ended_jobs_are_forgotten_beyond_a_number() -> None:
    async def scenario() -> None:
        queue = fresh(keep_ended=3)
        for i in range(10):
            await put(queue, job(str(i)))
            (lease,) = await take(queue)
            await queue.finish(lease, DONE)
        await queue.sweep()
        known = [await queue.status(str(i)) is not None for i in range(10)]
        assert known == 7 * [False] + 3 * [True]

    asyncio.run(scenario())


def test_each_end_is_told_once_whoever_brings_it_about() -> None:
    ends: list[str] = []

    async def scenario() -> None:
        clock = Clock()
        queue = MemoryQueue(lambda: "token", clock, on_end=ends.append)
        await put(queue, job("finished"), job("failed"))
        finished, failed = await take(queue, images=2)
        for _ in range(2):
            await queue.finish(finished, DONE)
            await queue.fail(failed, "no")
        await put(queue, job("cancelled"), job("expired", deadline_ms=1000))
        for _ in range(2):
            await queue.cancel("cancelled")
        clock.now_s += 2
        await queue.sweep()
        await queue.sweep()

    asyncio.run(scenario())
    assert ends == ["finished", "failed", "cancelled", "expired"]
