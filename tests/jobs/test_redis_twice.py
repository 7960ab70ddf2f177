"""Every command may arrive twice: its answer is lost on the way, and the client repeats it. And few are sent."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from server.jobs.bull.queue import RedisQueue
from server.jobs.event import JobState
from server.jobs.interface import JobQueue
from server.jobs.lease import Checkpoint, Progress
from server.jobs.submit import Accepted
from server.jobs.terms import DEFAULT_TERMS, QueueTerms
from server.redis_link import RedisAddress
from tests.faults.proxy import ChaosProxy
from tests.jobs.any_order import AnyOrder
from tests.jobs.contract.base import DONE, WIDE, end_of, job, log_of, once, put, take
from tests.jobs.redis_process import RedisProcess
from tests.jobs.test_redis import pass_ms

T = TypeVar("T")
TWICE = {"put", "renew", "progress", "finish", "fail", "release", "cancel", "attach", "detach"}
"""All but take: repeated, it gives other jobs, and those of the lost answer come back when their leases end."""


@pytest.fixture(scope="module", autouse=True)
def shared(redis: RedisProcess) -> None:
    TwiceInAnyOrder.redis = redis


async def proxied(redis: RedisProcess, terms: QueueTerms) -> tuple[RedisQueue, ChaosProxy]:
    proxy = await ChaosProxy(lambda: asyncio.open_unix_connection(redis.socket)).start()
    tokens = itertools.count()
    address = RedisAddress(f"redis://127.0.0.1:{proxy.port}")
    queue = RedisQueue(address, lambda: f"token-{next(tokens)}", terms, sweep_each_ms=1)
    await queue._client.flushall()
    for script in queue._commands.scripts.by_name.values():
        # Else the answer that is lost may be that the script is not known, and the command has not been done.
        await queue._client.script_load(script.script)
    return queue, proxy


def run(redis: RedisProcess, scenario: Callable[[RedisQueue, ChaosProxy], Awaitable[None]]) -> None:
    async def whole() -> None:
        queue, proxy = await proxied(redis, DEFAULT_TERMS)
        try:
            async with asyncio.timeout(20):
                await scenario(queue, proxy)
        finally:
            await queue.close()
            await proxy.close()

    asyncio.run(whole())


class TwiceInAnyOrder(AnyOrder):
    """The state machine, with every answer lost once."""

    redis: RedisProcess
    repeats = True

    async def make(self, terms: QueueTerms) -> JobQueue:
        queue, self.proxy = await proxied(self.redis, terms)
        return queue

    async def pass_ms(self, ms: int) -> None:
        await pass_ms(self.redis, self.queue, ms)

    def run(self, command: Awaitable[T]) -> T:
        twice = getattr(command, "__name__", "") in TWICE
        if twice:
            self.proxy.lose_answers, before = 1, self.proxy.lost
        answer = super().run(command)
        assert not twice or self.proxy.lost == before + 1, "the answer was not lost"
        return answer

    def teardown(self) -> None:
        self.loop.run_until_complete(self.queue.close())
        self.loop.run_until_complete(self.proxy.close())
        self.loop.close()


TestTwiceInAnyOrder = TwiceInAnyOrder.TestCase
TestTwiceInAnyOrder.settings = settings(
    max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_a_submit_whose_answer_was_lost_is_one_job(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue, proxy: ChaosProxy) -> None:
        proxy.lose_answers = 1
        answer = await queue.put(job("a", images=2), WIDE, once("k"), waiter="w")
        assert proxy.lost == 1 and answer == Accepted("a", is_new=False)
        depth = await queue.depth()
        assert (depth.images_waiting, depth.jobs_waiting) == (2, 1)
        await queue.detach("a", "w")
        assert (await queue.depth()).jobs_waiting == 1, "it has a key and its grace"

    run(redis, scenario)


def test_an_end_whose_answer_was_lost_is_one_end_and_is_reported_as_done(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue, proxy: ChaosProxy) -> None:
        await put(queue, job("a"), job("b"))
        first, second = await take(queue, 2)
        proxy.lose_answers = 1
        assert await queue.finish(first, DONE)
        proxy.lose_answers = 1
        assert await queue.fail(second, "why")
        assert proxy.lost == 2
        assert (await end_of(queue, "a")).state is JobState.FINISHED
        assert (await end_of(queue, "b")).error == "why"

    run(redis, scenario)


def test_a_take_whose_answer_was_lost_is_redelivered_when_its_lease_ends(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue, proxy: ChaosProxy) -> None:
        await put(queue, job("a"), job("b"))
        await queue.sweep()
        queue._sweep_at_s = float("inf")  # a take begins with a sweep when one is due
        proxy.lose_answers = 1
        (lease,) = await take(queue)
        assert proxy.lost == 1 and lease.job.id == "b"
        await queue.finish(lease, DONE)
        await pass_ms(redis, queue, DEFAULT_TERMS.lease_ms + 2_000)
        (again,) = await take(queue)
        assert (again.job.id, again.attempt) == ("a", 2)
        assert await queue.finish(again, DONE)

    run(redis, scenario)


def test_progress_that_arrives_twice_is_told_once(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue, proxy: ChaosProxy) -> None:
        await put(queue, job("a"))
        (lease,) = await take(queue)
        proxy.lose_answers = 1
        report = await queue.progress([Progress(lease, 1, 4, checkpoint=Checkpoint(0, 1, "key"))])
        assert proxy.lost == 1 and not report.gone
        await queue.finish(lease, DONE)
        assert len(await log_of(queue, "a")) == 4

    run(redis, scenario)


def test_a_job_takes_at_most_ten_round_trips_with_everything_on(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue, proxy: ChaosProxy) -> None:
        queue._sweep_each_ms = 900
        before = proxy.requests
        for number in range(30):
            name = str(number)
            await queue.put(job(name, priority=1, deadline_ms=60_000), WIDE, once(name), waiter="w")
            watching = asyncio.create_task(end_of(queue, name))
            (lease,) = await take(queue)
            await queue.progress([Progress(lease, 1, 4)])
            await queue.finish(lease, DONE)
            assert (await watching).state is JobState.FINISHED
            await queue.detach(name, "w")
        assert (proxy.requests - before) / 30 <= 10

    run(redis, scenario)
