"""A driver of the simulation: a process with a share of the work loops, and feeders that keep jobs waiting."""

import asyncio
import itertools
import random
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier

from server.bench.queue.jobs import WIDE, bench_job, new_tokens, once_of
from server.bench.queue.work_loop import WorkLoop, until_there
from server.endless import goes_on
from server.jobs.bull.queue import RedisQueue
from server.redis_link import open_redis, read_address
from server.results.redis import RedisResults

LOOPS_A_CLIENT = 25
"""Loops that share connections; a real worker has its own, which cost Redis nothing while they are idle."""
FEWEST_STEPS, MEAN_STEPS, MOST_STEPS, MAX_BATCH = 8, 28, 48, 8
WAITING_A_LOOP, FEEDERS, SEED = 2, 8, 5


@dataclass(frozen=True)
class Share:
    """What a driver does: ``loops`` of them, as number ``number`` of ``of`` drivers; seconds a step and sample."""

    number: int
    of: int
    loops: int
    sample_step_s: float


def drive(url: str, share: Share, ready: Barrier, ended: "Synchronized[int]") -> None:
    """For ever, from the moment on in which all are ready. ``ended`` counts the jobs of all drivers."""
    asyncio.run(_Driver(url, share, ended).run(ready))


class _Driver:
    """The loops over their shared clients, and the feeders."""

    def __init__(self, url: str, share: Share, ended: "Synchronized[int]") -> None:
        self._share, self._ended = share, ended
        self._random = random.Random(SEED + share.number)
        self._numbers = itertools.count(share.number, share.of)
        self._to_put = asyncio.Semaphore(share.loops * (MAX_BATCH + WAITING_A_LOOP))
        address, clients = read_address(url), range(-(-share.loops // LOOPS_A_CLIENT))
        self._queues = [RedisQueue(address, new_tokens(f"client-{share.number}-{each}")) for each in clients]
        self._results = [RedisResults(open_redis(address, 3)) for _ in clients]

    async def run(self, ready: Barrier) -> None:
        """A loop or feeder that fails ends them all."""
        ready.wait()
        async with asyncio.TaskGroup() as tasks:
            for number in range(self._share.loops):
                tasks.create_task(self._loop(number).run())
            for _ in range(FEEDERS):
                tasks.create_task(self._feed())

    def _loop(self, number: int) -> WorkLoop:
        client = number // LOOPS_A_CLIENT
        return WorkLoop(
            self._queues[client],
            self._results[client],
            f"worker-{self._share.number}-{number}",
            lambda: self._random.randint(FEWEST_STEPS, MOST_STEPS),
            lambda samples: samples * self._share.sample_step_s * self._random.uniform(0.8, 1.2),
            MAX_BATCH,
            self._has_ended,
        )

    def _has_ended(self) -> None:
        with self._ended.get_lock():
            self._ended.value += 1
        self._to_put.release()

    async def _feed(self) -> None:
        """For each job that ends another one; nobody waits for them."""
        while goes_on():
            await self._to_put.acquire()
            await self._put(next(self._numbers))

    async def _put(self, number: int) -> None:
        job, once = bench_job(number, asynchronous=True), once_of(number)
        await until_there(lambda: self._queues[0].put(job, WIDE, once))
