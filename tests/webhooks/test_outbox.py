"""Letters in a real Redis: held by who sees to them, taken over from who is silent, gone when they were told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from server.redis_link import open_redis
from server.webhooks.outbox import ForgetfulOutbox, Letter
from server.webhooks.outbox_redis import LIFE_S, MOST, PREFIX, RedisOutbox
from tests.jobs.redis_process import RedisProcess

HOLD_S = 15.0
ONE = Letter("1" * 32, "https://hooks.example/done")
TOLD = Letter("2" * 32, "https://hooks.example/done", b'{"type": "job.finished"}')


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisProcess]:
    process = RedisProcess(fake_clock=True)
    try:
        yield process.start()
    finally:
        process.stop()


def run(redis: RedisProcess, scenario: Callable[[RedisOutbox, RedisOutbox], Awaitable[None]]) -> None:
    """With the outboxes of two processes."""

    async def whole() -> None:
        async with open_redis(redis.address, 1) as one, open_redis(redis.address, 1, text=True) as other:
            await one.flushall()
            await scenario(RedisOutbox(one, HOLD_S), RedisOutbox(other, HOLD_S))

    asyncio.run(whole())


def test_a_letter_whose_holder_is_silent_is_taken_over_once_as_it_was(redis: RedisProcess) -> None:
    async def scenario(silent: RedisOutbox, living: RedisOutbox) -> None:
        for letter in (ONE, TOLD):
            await silent.hold(letter)
        assert await living.take_over() == []
        redis.pass_s(HOLD_S + 1)
        assert await living.take_over() == [ONE, TOLD]
        assert await living.take_over() == await silent.take_over() == []

    run(redis, scenario)


def test_who_says_so_holds_on_and_who_stops_lets_go_at_once(redis: RedisProcess) -> None:
    async def scenario(holder: RedisOutbox, other: RedisOutbox) -> None:
        await holder.hold(ONE)
        for _ in range(3):
            redis.pass_s(HOLD_S - 1)
            await holder.renew({ONE.job_id})
            assert await other.take_over() == []
        await holder.release({ONE.job_id})
        assert await other.take_over() == [ONE]

    run(redis, scenario)


def test_what_was_told_is_gone_and_stays_so_when_its_holder_renews_late(redis: RedisProcess) -> None:
    async def scenario(late: RedisOutbox, teller: RedisOutbox) -> None:
        await late.hold(ONE)
        await teller.drop(ONE.job_id)
        await late.renew({ONE.job_id})
        redis.pass_s(HOLD_S + 1)
        assert await teller.take_over() == []
        assert await teller.client.keys("*") == []

    run(redis, scenario)


def test_a_letter_that_nobody_wants_ends_by_itself(redis: RedisProcess) -> None:
    async def scenario(holder: RedisOutbox, other: RedisOutbox) -> None:
        await holder.hold(ONE)
        assert 0 < await other.client.ttl(f"{PREFIX}letter:{ONE.job_id}") <= LIFE_S
        redis.pass_s(LIFE_S + 1)
        assert await other.take_over() == []
        assert await other.client.keys("*") == []

    run(redis, scenario)


def test_a_process_takes_over_so_many_at_a_time(redis: RedisProcess) -> None:
    async def scenario(dead: RedisOutbox, living: RedisOutbox) -> None:
        for number in range(MOST + 1):
            await dead.hold(Letter(f"{number:032x}", ONE.url))
        redis.pass_s(HOLD_S + 1)
        assert [len(await living.take_over()) for _ in range(3)] == [MOST, 1, 0]

    run(redis, scenario)


def test_where_jobs_die_with_their_process_nothing_is_kept() -> None:
    async def scenario(outbox: ForgetfulOutbox) -> None:
        await outbox.hold(ONE)
        await outbox.release({ONE.job_id})
        assert await outbox.take_over() == []

    asyncio.run(scenario(ForgetfulOutbox()))
