"""What Redis holds of the queue: nothing for ever but a few keys, nothing unreadable, and what is lost is said."""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Iterator

import pytest
from redis.crc import key_slot

from server.errors import JobLost, StorageUnreachable
from server.jobs.bull.keys import PERMANENT
from server.jobs.bull.queue import BASE, RedisQueue
from server.jobs.event import Ended, JobState, Queued
from server.jobs.payload import job_to_json
from server.jobs.submit import Accepted
from server.jobs.terms import DEFAULT_TERMS
from server.jobs.workers import WorkerInfo
from tests.jobs.contract.base import (
    DONE,
    MODEL,
    WIDE,
    end_of,
    job,
    lease_of,
    log_of,
    once,
    put,
    step,
    take,
    taken,
)
from tests.jobs.redis_process import RedisProcess
from tests.jobs.test_redis import fresh, pass_ms

DAY_MS = 86_400_000
AOF = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
Scenario = Callable[[RedisQueue], Awaitable[None]]


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisProcess]:
    process = RedisProcess(fake_clock=True)
    try:
        yield process.start()
    finally:
        process.stop()


@pytest.fixture
def durable() -> Iterator[RedisProcess]:
    process = RedisProcess(AOF)
    try:
        yield process.start()
    finally:
        process.stop()


def run(redis: RedisProcess, scenario: Scenario) -> None:
    async def whole() -> None:
        queue = await fresh(redis, DEFAULT_TERMS)
        try:
            async with asyncio.timeout(60):
                await scenario(queue)
        finally:
            await queue.close()

    asyncio.run(whole())


async def keys_of(queue: RedisQueue) -> set[str]:
    return {key async for key in queue._client.scan_iter(count=1000)}


async def every_kind_of_life(redis: RedisProcess, queue: RedisQueue, mark: str) -> None:
    """Jobs of several tenants and models that end in each of the ways in which a job can end."""
    for number in range(30):
        tenant, model = f"t{number % 3}", ("flux-dev", MODEL)[number % 2]
        name = f"{mark}-{number}"
        each = job(
            name, model=model, tenant=tenant, key_id=tenant, priority=number % 5 - 2, asynchronous=number % 4 == 0
        )
        assert await queue.put(each, WIDE, once(name), waiter="w") == Accepted(name)
    for number in range(6):
        await queue.cancel(f"{mark}-{number}")
    for number in range(6, 12):
        await queue.detach(f"{mark}-{number}", "w")
    await put(queue, job(f"{mark}-late", deadline_ms=1_000))
    await pass_ms(redis, queue, 31_000)
    for lease in [*await take(queue, 3), *await take(queue, 3)]:
        await step(queue, lease, 1)
        await queue.finish(lease, DONE)
    for lease in await take(queue, 2):
        await queue.release(lease)
        await queue.cancel(lease.job.id)
    for _ in range(4):
        await take(queue, 20)
        await pass_ms(redis, queue, 17_000)
    for number in range(30):
        await queue.cancel(f"{mark}-{number}")
    await queue.announce(WorkerInfo(mark, MODEL, "1", 8), 1_000)


def test_after_jobs_of_every_kind_and_their_lives_redis_holds_what_it_held_before(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        patterns = [re.escape(BASE + key).replace("<model>", "[a-z-]+") for key in PERMANENT]
        held = []
        for round_ in range(3):
            for part in range(2):
                await every_kind_of_life(redis, queue, f"{round_}.{part}")
            depth = await queue.depth()
            assert (depth.images_waiting, depth.images_running, depth.jobs_waiting) == (0, 0, 0)
            await pass_ms(redis, queue, DAY_MS)
            assert await queue.workers() == []
            await asyncio.sleep(0.02)  # the gate of a sweep ends after a millisecond here
            held.append(await keys_of(queue))
        assert held[0] == held[1] == held[2]
        for key in held[0]:
            assert any(re.fullmatch(pattern, key) for pattern in patterns), key
        assert await queue._client.xlen(f"{BASE}q:{MODEL}:events") <= 1200

    run(redis, scenario)


def test_keys_end_by_themselves_when_nobody_sweeps(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        lease = await lease_of(queue)
        await queue.finish(lease, DONE)
        redis.pass_s(DAY_MS / 1000)
        left = await keys_of(queue)
        assert not {key for key in left if key.endswith(("job:a", "ev:a", f"{MODEL}:a"))}
        for _ in range(3):
            await queue.sweep()
            await asyncio.sleep(0.002)
        assert {key.removeprefix(BASE).split(":")[0] for key in await keys_of(queue)} <= {
            key.split(":")[0] for key in PERMANENT
        }

    run(redis, scenario)


def test_all_keys_lie_in_one_slot(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        await queue.put(job("a", tenant="{other}", deadline_ms=9_000), WIDE, once("{k}"), waiter="w")
        await lease_of(queue, "b")
        assert len({key_slot(key.encode()) for key in await keys_of(queue)}) == 1

    run(redis, scenario)


@pytest.mark.parametrize(
    "payload",
    [
        "{not json",
        "[" * 50_000,
        '{"v":99,"body":{}}',
        '{"v":1,"body":{"id":"secret"}}',
        b"\xff\xfe\x00",
        job_to_json(job("a"))[:-20],
    ],
    ids=["text", "deep", "far", "half", "bytes", "cut"],
)
def test_a_payload_that_no_worker_can_read_is_dead_with_the_reason_and_harms_no_other(
    redis: RedisProcess, payload: str | bytes
) -> None:
    async def scenario(queue: RedisQueue) -> None:
        await put(queue, job("bad"), job("good"))
        await queue._client.hset(f"{BASE}q:{MODEL}:bad", "data", payload)
        assert await taken(queue, 5) == ["good"]
        end = await end_of(queue, "bad")
        assert end.state is JobState.DEAD and end.error is not None and "payload" in end.error
        assert "secret" not in end.error
        assert (await queue.depth()).images_running == 1

    run(redis, scenario)


def test_an_event_that_cannot_be_read_is_passed_over(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        lease = await lease_of(queue)
        for text in ("{", '{"v":2,"kind":"danced","body":{}}', b"\xff"):
            await queue._client.xadd(f"{BASE}ev:a", {"e": text})
        await queue.finish(lease, DONE)
        assert (await log_of(queue, "a"))[-1] == Ended(JobState.FINISHED, result=DONE)

    run(redis, scenario)


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


def test_a_hundred_watchers_need_few_connections(durable: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        names = [str(number) for number in range(100)]
        await put(queue, *map(job, names))
        watching = [asyncio.create_task(end_of(queue, name)) for name in names]
        answers = await asyncio.gather(*[queue.status(name) for name in names])
        assert all(answers)
        waiting = asyncio.create_task(queue.wait_for_work("flux-dev", 0.5))
        while leases := await take(queue, 100):
            await asyncio.gather(*[queue.finish(lease, DONE) for lease in leases])
        assert {end.state for end in await asyncio.gather(*watching)} == {JobState.FINISHED}
        clients = await queue._client.client_list()
        assert len(clients) <= 12
        await waiting

    run(durable, scenario)


def test_a_redis_user_without_dangerous_commands_and_with_our_keys_only_is_enough(durable: RedisProcess) -> None:
    rights = ["resetkeys", "resetchannels", f"~{BASE}*", f"&{BASE}*", "+@all", "-@admin", "-@dangerous"]

    async def scenario(queue: RedisQueue) -> None:
        await queue._client.execute_command("ACL", "SETUSER", "default", "on", "nopass", *rights)
        lease = await lease_of(queue, deadline_ms=60_000)
        watching = asyncio.create_task(end_of(queue, "a"))
        await step(queue, lease, 1)
        assert not (await queue.renew([lease])).gone
        assert await queue.release(lease)
        (lease,) = await take(queue)
        await queue.announce(WorkerInfo("w", MODEL, "1", 8), 1_000)
        await queue.sweep()
        await queue.wait_for_work(MODEL, 0.01)
        assert (await queue.depth()).images_running == 1
        assert await queue.list_jobs("anonymous", 9) and await queue.list_all(JobState, 9)
        assert await queue.finish(lease, DONE)
        assert (await watching).state is JobState.FINISHED
        assert await queue.retry_dead() == []

    run(durable, scenario)


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


def test_virtual_time_starts_anew_before_the_range_of_priorities_ends(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        await put(queue, *[job(f"a{k}", tenant="a", cost=2.0**19) for k in range(8)])
        for _ in range(4):
            await taken(queue)
        (held,) = await take(queue)
        await put(queue, *[job(f"b{k}", tenant="b", cost=2.0**19) for k in range(3)])
        await queue.sweep()
        fair = await queue._client.hgetall(f"{BASE}fair:{MODEL}")
        assert 0 <= float(fair["virtual_time"]) <= 2**20
        assert float(fair["last:a"]) - float(fair["virtual_time"]) == 3 * 2**19
        assert await queue.release(held)
        assert await taken(queue, 9) == ["a4", "a5", "b0", "a6", "b1", "a7", "b2"]

    run(redis, scenario)


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


def test_the_log_begins_with_the_place_in_the_queue(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        await put(queue, job("a"), job("b"), job("c"))
        events = queue.events("c")
        assert (await anext(events)).what == Queued(2)

    run(redis, scenario)
