"""What Redis holds of the queue: nothing for ever but a few keys, and all of it in one slot."""

import asyncio
import os
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis.crc import key_slot

from server.jobs.bull.keys import PERMANENT
from server.jobs.bull.queue import BASE, RedisQueue
from server.jobs.submit import Accepted
from server.jobs.workers import WorkerInfo
from tests.jobs.contract.base import (
    DONE,
    MODEL,
    WIDE,
    job,
    lease_of,
    once,
    put,
    step,
    take,
)
from tests.jobs.redis_process import RedisProcess
from tests.jobs.redis_scenario import run
from tests.jobs.test_redis import pass_ms

DAY_MS = 86_400_000
JOBS = int(os.environ.get("KEPT_JOBS", "10000"))
FORGOTTEN_A_SWEEP = 2000
LIMIT_S = 600.0


async def keys_of(queue: RedisQueue) -> set[str]:
    await asyncio.sleep(0.02)  # the gate of a sweep ends after a millisecond here
    return {key async for key in queue._client.scan_iter(count=1000)}


async def every_kind_of_life(redis: RedisProcess, queue: RedisQueue, mark: str) -> None:
    """Jobs of several tenants and models that end in each of the ways in which a job can end."""
    for number in range(30):
        tenant, model = f"t{number % 3}", ("flux-dev", MODEL)[number % 2]
        name = f"{mark}-{number}"
        each = job(name, model=model, tenant=tenant, priority=number % 5 - 2, asynchronous=number % 4 == 0)
        each = replace(each, key_id=f"key of {tenant}")
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
            held.append(await keys_of(queue))
        assert held[0] == held[1] == held[2]
        for key in held[0]:
            assert any(re.fullmatch(pattern, key) for pattern in patterns), key
        assert await queue._client.xlen(f"{BASE}q:{MODEL}:events") <= 1200

    run(redis, scenario)


async def a_hundred_ends(queue: RedisQueue, mark: str) -> None:
    """A hundred jobs at once: finished, failed, cancelled, hung up on, expired after a real millisecond."""
    names = [f"{mark}-{number}" for number in range(100)]
    jobs = [job(name, tenant=f"t{number % 7}") for number, name in enumerate(names[:95])]
    jobs += [job(name, tenant="late", deadline_ms=1) for name in names[95:]]
    await asyncio.gather(*(queue.put(each, WIDE, once(each.id), waiter="w") for each in jobs))
    await asyncio.gather(*map(queue.cancel, names[:5]))
    await asyncio.gather(*(queue.detach(name, "w") for name in names[5:10]))
    leases = await take(queue, 50)
    await asyncio.gather(*(step(queue, lease, 1) for lease in leases))
    await asyncio.gather(*(queue.fail(lease, "no") for lease in leases[:5]))
    await asyncio.sleep(0.002)
    await queue.sweep()
    leases = leases[5:] + await take(queue, 100)
    assert all(await asyncio.gather(*(queue.finish(lease, DONE) for lease in leases)))


@pytest.fixture
def quick() -> Iterator[RedisProcess]:
    """Half of a million commands' time goes into a clock that is read for each."""
    process = RedisProcess(fake_clock=True, clock_a_second=True)
    try:
        yield process.start()
    finally:
        process.stop()


def test_after_ten_thousand_jobs_redis_holds_what_it_held_before(quick: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        held = []
        for round_, hundreds in enumerate((1, JOBS // 100)):
            for part in range(hundreds):
                await a_hundred_ends(queue, f"{round_}.{part}")
            assert await queue._client.zcard(f"{BASE}ended") >= 95 * hundreds, "there is much to be forgotten"
            await pass_ms(quick, queue, 31_000)  # the grace of those who hung up
            depth = await queue.depth()
            assert (depth.images_waiting, depth.images_running, depth.jobs_waiting) == (0, 0, 0)
            for _ in range(2 + JOBS // FORGOTTEN_A_SWEEP):
                await pass_ms(quick, queue, DAY_MS)
            held.append(await keys_of(queue))
        assert held[0] == held[1]

    run(quick, scenario, LIMIT_S)


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
