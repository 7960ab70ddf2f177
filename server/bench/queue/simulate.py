"""How far one Redis goes: many work loops with drawn service times, and where Redis' one core would be full.

The loops share one core of Python, which is full long before Redis' is. So both are told apart, and the knee is
what Redis' own CPU says: it runs commands on one thread.
"""

import asyncio
import itertools
import random
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass

from server.bench.queue.jobs import WIDE, bench_job, new_tokens, once_of
from server.bench.queue.redis_use import RedisUse, bench_redis, redis_use
from server.bench.queue.work_loop import WorkLoop, until_there
from server.endless import goes_on
from server.errors import ServerError
from server.jobs.bull.queue import RedisQueue
from server.redis_link import RedisAddress, open_redis, read_address
from server.results.redis import RedisResults

LOOPS_A_CLIENT = 25
"""Loops that share connections; a real worker has its own, which cost Redis nothing while they are idle."""
SAMPLE_STEP_S, FEWEST_STEPS, MOST_STEPS = 0.07, 8, 48
"""A step of a batch of 8 takes 0.56 s, an image of 28 steps 2 s of its device: FLUX.1-dev on a fast GPU."""
MAX_BATCH, WAITING_A_LOOP, FEEDERS, SEED = 8, 2, 8, 5
SETTLE_S, MEASURE_S = 10.0, 20.0


@dataclass(frozen=True)
class Simulated:
    """Shares of one core. ``redis_ms`` is a job's; ``knee_jobs_per_s`` is where Redis' core is full."""

    workers: int
    jobs_per_s: float
    driver_share: float
    redis_share: float

    @property
    def redis_ms(self) -> float:
        """Redis' CPU a job, steps and renewals included."""
        return 1000 * self.redis_share / self.jobs_per_s

    @property
    def knee_jobs_per_s(self) -> float:
        """If what a job costs stays as it is."""
        return self.jobs_per_s / self.redis_share


def simulate(
    workers: int, settle_s: float = SETTLE_S, measure_s: float = MEASURE_S, sample_step_s: float = SAMPLE_STEP_S
) -> Simulated:
    """So many loops under a constant backlog."""
    with bench_redis() as url:
        return asyncio.run(_Simulation(read_address(url), workers, sample_step_s).run(settle_s, measure_s))


class _Simulation:
    """The loops over their shared clients, and the feeders that keep jobs waiting."""

    def __init__(self, address: RedisAddress, workers: int, sample_step_s: float) -> None:
        self._address, self._workers, self._sample_step_s = address, workers, sample_step_s
        self._random = random.Random(SEED)
        self._numbers = itertools.count()
        self._to_put = asyncio.Semaphore(workers * (MAX_BATCH + WAITING_A_LOOP))
        self._ended = 0
        clients = -(-workers // LOOPS_A_CLIENT)
        self._queues = [RedisQueue(address, new_tokens(f"client-{number}")) for number in range(clients)]
        self._results = [RedisResults(open_redis(address, 3)) for _ in range(clients)]

    async def run(self, settle_s: float, measure_s: float) -> Simulated:
        loops = [self._loop(number) for number in range(self._workers)]
        works = [self._feed() for _ in range(FEEDERS)] + [loop.run() for loop in loops]
        tasks = [asyncio.create_task(work) for work in works]
        try:
            await _unless_one_ends(tasks, settle_s)
            return await self._measure(tasks, measure_s)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(queue.close() for queue in self._queues))
            await asyncio.gather(*(results.close() for results in self._results))

    async def _measure(self, tasks: Sequence["asyncio.Task[None]"], seconds: float) -> Simulated:
        async with open_redis(self._address, 1, text=True) as looking:
            redis, driver_s, ended, started_s = (
                await redis_use(looking),
                own_cpu_s(),
                self._ended,
                time.perf_counter(),
            )
            await _unless_one_ends(tasks, seconds)
            took_s = time.perf_counter() - started_s
            spent: RedisUse = await redis_use(looking) - redis
        if self._ended == ended:
            raise ServerError(f"no job of the simulation ended within {seconds} s, the machine is too busy")
        jobs_per_s = (self._ended - ended) / took_s
        return Simulated(self._workers, jobs_per_s, (own_cpu_s() - driver_s) / took_s, spent.cpu_s / took_s)

    def _loop(self, number: int) -> WorkLoop:
        client = number // LOOPS_A_CLIENT
        return WorkLoop(
            self._queues[client],
            self._results[client],
            f"worker-{number}",
            lambda: self._random.randint(FEWEST_STEPS, MOST_STEPS),
            lambda samples: samples * self._sample_step_s * self._random.uniform(0.8, 1.2),
            MAX_BATCH,
            self._has_ended,
        )

    def _has_ended(self) -> None:
        self._ended += 1
        self._to_put.release()

    async def _feed(self) -> None:
        """For each job that ends another one; nobody waits for them."""
        while goes_on():
            await self._to_put.acquire()
            await self._put(next(self._numbers))

    async def _put(self, number: int) -> None:
        job, once = bench_job(number, asynchronous=True), once_of(number)
        await until_there(lambda: self._queues[0].put(job, WIDE, once))


async def _unless_one_ends(tasks: Sequence["asyncio.Task[None]"], seconds: float) -> None:
    """Let time pass. Raises what ends a task: none has an end of its own."""
    ended, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in ended:
        task.result()


def own_cpu_s() -> float:
    """Of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
