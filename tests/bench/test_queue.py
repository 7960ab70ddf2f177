"""The queue's benchmarks at their smallest: every job is answered, and what is counted is what they say."""

import asyncio

import pytest

from server.bench.queue.added import measure_added
from server.bench.queue.clients import Clients
from server.bench.queue.jobs import MODEL, new_tokens
from server.bench.queue.orphans import measure_orphans
from server.bench.queue.rate import measure_rate
from server.bench.queue.redis_use import bench_redis, redis_use
from server.bench.queue.simulate import SPAWN, Drivers, Simulated, shares_of, simulate
from server.bench.queue.work_loop import WorkLoop
from server.errors import ServerError
from server.jobs.fit import Room
from server.jobs.memory import MemoryQueue
from server.redis_link import open_redis, read_address
from server.results.memory import MemoryResults


def test_a_job_takes_at_most_ten_round_trips() -> None:
    rate = measure_rate(workers=1, jobs=300, warm_up=50)
    assert 3 <= rate.round_trips <= 10, "put, finish and the result's two are the least"
    assert rate.jobs_per_s > 0 and rate.redis_ms > 0


def test_a_pipeline_is_one_round_trip_and_so_is_a_command() -> None:
    async def scenario(url: str) -> int:
        async with open_redis(read_address(url), 1, text=True) as client:
            before = await redis_use(client)
            for _ in range(3):
                async with client.pipeline(transaction=False) as pipeline:
                    for number in range(50):
                        pipeline.set(f"key-{number}", number)
                    await pipeline.execute()
            await client.get("key-1")
            return (await redis_use(client) - before).reads

    with bench_redis() as url:
        assert asyncio.run(scenario(url)) == 4 + 2, "the second question of both kinds"


def test_a_work_loop_takes_as_many_jobs_as_it_holds_and_hands_each_in_after_its_steps() -> None:
    ended: list[int] = []

    async def scenario() -> None:
        queue, results = MemoryQueue(new_tokens("queue"), lambda: 1000.0), MemoryResults(lambda: 0.0)
        batches: list[int] = []

        def step_s(samples: int) -> float:
            batches.append(samples)
            return 0.0

        loop = WorkLoop(queue, results, "w", lambda: 3, step_s, max_batch=4, on_end=lambda: ended.append(1))
        working = asyncio.create_task(loop.run())
        async with asyncio.timeout(20):
            await Clients(queue, results, in_flight=10).ask(range(20))
        working.cancel()
        assert max(batches) == 4 and sum(batches) == 3 * len(ended)

    asyncio.run(scenario())
    assert len(ended) == 20


def test_a_job_that_ends_without_its_result_stops_the_benchmark() -> None:
    async def scenario() -> None:
        queue, results = MemoryQueue(new_tokens("queue"), lambda: 1000.0), MemoryResults(lambda: 0.0)
        asking = asyncio.create_task(Clients(queue, results, in_flight=1).ask(range(1)))
        async with asyncio.timeout(20):
            while not (leases := await queue.take(Room(1), MODEL, "w")):
                await asyncio.sleep(0)
            await queue.fail(leases[0], "broken")
            with pytest.raises(ServerError, match="ended without its result"):
                await asking

    asyncio.run(scenario())


def test_the_knee_is_where_redis_one_core_would_be_full() -> None:
    got = Simulated(workers=100, drivers=2, jobs_per_s=50.0, pace=1.0, drivers_share=1.2, redis_share=0.1)
    assert (got.redis_ms, got.knee_jobs_per_s) == (2.0, 500.0)


def test_every_simulated_worker_has_one_driver_and_no_driver_has_too_many() -> None:
    for workers in (1, 15, 16, 31, 1000):
        loops = [share.loops for share in shares_of(workers, loops_a_driver=15, sample_step_s=0.1)]
        assert sum(loops) == workers and max(loops) <= 15 and max(loops) - min(loops) <= 1


def test_simulated_workers_end_jobs_and_the_cpu_of_two_drivers_is_told_apart_from_redis() -> None:
    got = simulate(workers=4, measure_s=4.0, sample_step_s=0.001, loops_a_driver=2)
    assert got.drivers == 2 and got.jobs_per_s > 0 and 0 < got.pace < 1.2
    assert 0 < got.redis_share < got.drivers_share, "a work loop in Python costs more than its commands do Redis"


def test_a_driver_that_ends_ends_the_simulation() -> None:
    async def scenario() -> None:
        process = SPAWN.Process(target=int)
        process.start()
        process.join()
        with pytest.raises(ServerError, match="driver of the simulation has ended"):
            await Drivers([process], SPAWN.Value("Q", 0)).after(0.0, None)

    asyncio.run(scenario())


def test_what_the_distributed_mode_adds_is_between_two_servers_that_both_answer() -> None:
    got = measure_added(turns=1, turn_s=0.2)
    assert got.embedded_ms > 0 and got.distributed_ms > 0
    assert got.added_ms == got.distributed_ms - got.embedded_ms


def test_every_orphan_of_a_killed_worker_runs_again() -> None:
    got = measure_orphans(lease_s=1.0)
    assert (got.lease_s, got.last_again_s > 0) == (1.0, True)
