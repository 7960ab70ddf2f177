"""How far one Redis goes: many work loops with drawn service times, and where Redis' one core would be full.

The loops are shared among driver processes, for one core of Python is full long before Redis' is. The CPU of the
drivers and that of Redis are told apart, and the knee is what Redis' own says: it runs commands on one thread.
"""

import asyncio
import contextlib
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import Synchronized
from typing import Any

import psutil

from server.bench.queue.drive import MAX_BATCH, MEAN_STEPS, MOST_STEPS, Share, drive
from server.bench.queue.redis_use import bench_redis, redis_use
from server.errors import ServerError
from server.redis_link import open_redis, read_address

LOOPS_A_DRIVER = 250
SAMPLE_STEP_S = 0.2
"""A step of a batch of 8 takes 1.6 s, an image of 28 steps 5.6 s of its device: FLUX.1-dev on a fast GPU."""
MEASURE_S, START_S = 30.0, 120.0
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Simulated:
    """Shares of one core, of all drivers in sum. ``redis_ms`` is a job's; at the knee Redis' core is full.

    ``pace`` is the share of the jobs that the loops would have ended if nothing had held them up. Far below 1 the
    machine was too small or too busy, and what a job costs holds much of what idle loops cost.
    """

    workers: int
    drivers: int
    jobs_per_s: float
    pace: float
    drivers_share: float
    redis_share: float

    @property
    def redis_ms(self) -> float:
        """Redis' CPU a job, steps and renewals included."""
        return 1000 * self.redis_share / self.jobs_per_s

    @property
    def knee_jobs_per_s(self) -> float:
        """If what a job costs stays as it is."""
        return self.jobs_per_s / self.redis_share


@dataclass(frozen=True)
class Seen:
    """Up to now: seconds of a clock, jobs that ended, CPU seconds of all drivers and of Redis."""

    at_s: float
    ended: int
    drivers_s: float
    redis_s: float


@dataclass(frozen=True)
class Drivers:
    """The processes, all at work, and the count of the jobs that they have ended."""

    processes: Sequence[SpawnProcess]
    ended: "Synchronized[int]"

    async def after(self, seconds: float, looking: Any) -> Seen:
        """What is to be seen then. Raises ServerError when one has ended: none has an end of its own."""
        await asyncio.sleep(seconds)
        if not all(process.is_alive() for process in self.processes):
            raise ServerError("a driver of the simulation has ended, its reason is above")
        cpu_s = sum(sum(psutil.Process(process.pid).cpu_times()[:2]) for process in self.processes)
        return Seen(time.perf_counter(), self.ended.value, cpu_s, (await redis_use(looking)).cpu_s)


def simulate(
    workers: int,
    measure_s: float = MEASURE_S,
    sample_step_s: float = SAMPLE_STEP_S,
    loops_a_driver: int = LOOPS_A_DRIVER,
) -> Simulated:
    """So many loops under a constant backlog, measured when the longest of their first jobs may have ended."""
    shares, settle_s = shares_of(workers, loops_a_driver, sample_step_s), MOST_STEPS * MAX_BATCH * sample_step_s
    with bench_redis() as url, _driving(url, shares) as drivers:
        seen, then = asyncio.run(_seen(url, drivers, settle_s, measure_s))
    if then.ended == seen.ended:
        raise ServerError(f"no job of the simulation ended within {measure_s} s, the machine is too busy")
    took_s = then.at_s - seen.at_s
    jobs_per_s = (then.ended - seen.ended) / took_s
    return Simulated(
        workers,
        len(shares),
        jobs_per_s,
        jobs_per_s / (workers / (MEAN_STEPS * sample_step_s)),
        (then.drivers_s - seen.drivers_s) / took_s,
        (then.redis_s - seen.redis_s) / took_s,
    )


def shares_of(workers: int, loops_a_driver: int, sample_step_s: float) -> list[Share]:
    """As few drivers as that takes, and as even as can be."""
    of = -(-workers // loops_a_driver)
    return [Share(number, of, (workers + number) // of, sample_step_s) for number in range(of)]


@contextlib.contextmanager
def _driving(url: str, shares: Sequence[Share]) -> Iterator[Drivers]:
    """A process a share."""
    ready, ended = SPAWN.Barrier(len(shares) + 1), SPAWN.Value("Q", 0)
    processes = [SPAWN.Process(target=drive, args=(url, share, ready, ended), daemon=True) for share in shares]
    try:
        for process in processes:
            process.start()
        ready.wait(START_S)
        yield Drivers(processes, ended)
    finally:
        for process in processes:
            process.terminate()
            process.join()


async def _seen(url: str, drivers: Drivers, settle_s: float, measure_s: float) -> tuple[Seen, Seen]:
    async with open_redis(read_address(url), 1, text=True) as looking:
        return await drivers.after(settle_s, looking), await drivers.after(measure_s, looking)
