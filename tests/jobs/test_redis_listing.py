"""Lists of jobs in Redis: what one call reads, and what comes and goes between two of them."""

from server.jobs.bull.listing import LISTED_AT_ONCE
from server.jobs.bull.queue import BASE, RedisQueue
from server.jobs.event import JobState
from tests.jobs.contract.base import DONE, ids, job, lease_of, put
from tests.jobs.redis_process import RedisProcess
from tests.jobs.redis_scenario import run

MANY = 3 * LISTED_AT_ONCE + 7


async def cancelled(queue: RedisQueue, *names: str) -> None:
    for name in names:
        await put(queue, job(name))
        assert await queue.cancel(name)


def test_one_call_reads_a_page_of_records_however_rare_the_state_is(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        await queue.finish(await lease_of(queue, "rare"), DONE)
        await cancelled(queue, *map(str, range(MANY)))
        await queue.list_all([JobState.FINISHED], 1)  # Redis knows the scripts from here on
        await queue._client.config_resetstat()
        assert ids(await queue.list_all([JobState.FINISHED], 9)) == ["rare"]
        said = await queue._client.info("commandstats")
        assert said["cmdstat_hget"]["calls"] <= LISTED_AT_ONCE * said["cmdstat_evalsha"]["calls"]

    run(redis, scenario)


async def page_of(queue: RedisQueue, size: int, after: list[str], limit: int = 9) -> tuple[list[str], list[str]]:
    """The next cancelled jobs, and where the look at them ended."""
    args = {"states": {"cancelled": True}, "limit": limit, "page": size, "after": after}
    found, *last = await queue._commands.run("list", args)
    return found, last


def test_a_page_goes_on_behind_what_was_looked_at_also_where_the_list_was_full_before_its_end(
    redis: RedisProcess,
) -> None:
    async def scenario(queue: RedisQueue) -> None:
        for name in "abcde":
            await cancelled(queue, name)
            redis.pass_s(0.01)
        found, after = await page_of(queue, 9, [], limit=2)
        assert found == ["e", "d"]
        found, after = await page_of(queue, 2, after, limit=2)
        assert found == ["c", "b"]
        assert await page_of(queue, 9, after) == (["a"], [])

    run(redis, scenario)


def test_what_ends_or_is_forgotten_between_two_pages_leaves_nothing_out(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        for name in "abcdef":
            await cancelled(queue, name)
            redis.pass_s(0.01)
        first, after = await page_of(queue, 2, [])
        assert first == ["f", "e"]
        await cancelled(queue, "g")
        second, after = await page_of(queue, 2, after)
        assert second == ["d", "c"]
        await queue._client.zrem(f"{BASE}ended", after[0])
        third, after = await page_of(queue, 2, after)
        assert third == ["b", "a"]
        assert await page_of(queue, 2, after) == ([], [])

    run(redis, scenario)


def test_of_those_that_ended_at_once_none_is_left_out_where_a_page_s_last_is_forgotten(
    redis: RedisProcess,
) -> None:
    async def scenario(queue: RedisQueue) -> None:
        await cancelled(queue, *"abcd")
        ended = f"{BASE}ended"
        for entry in await queue._client.zrange(ended, 0, -1):
            await queue._client.zadd(ended, {entry: 1000})
        first, after = await page_of(queue, 2, [])
        await queue._client.zrem(ended, after[0])
        again, _ = await page_of(queue, 9, after)
        assert {*first, *again} == set("abcd")

    run(redis, scenario)
