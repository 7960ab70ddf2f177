"""How long after a kill -9 the last of a worker's jobs runs again, where another worker has room."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from server.bench.queue.jobs import WIDE, bench_job, new_tokens
from server.bench.queue.redis_use import bench_redis
from server.jobs.bull.queue import RedisQueue
from server.jobs.event import Started
from server.redis_link import read_address

JOBS, STEPS, STEP_S, LEASE_S, START_S = 8, 1000, 0.2, 15.0, 60.0


@dataclass(frozen=True)
class Orphans:
    """Seconds from the kill to the start of the last job's second attempt."""

    lease_s: float
    last_again_s: float


def measure_orphans(lease_s: float = LEASE_S) -> Orphans:
    """Two real workers with a fake engine; the one that holds all jobs is killed."""
    with bench_redis() as url, _worker(url, lease_s) as victim:
        return asyncio.run(_killed(url, lease_s, victim))


@contextlib.contextmanager
def _worker(url: str, lease_s: float) -> Iterator["subprocess.Popen[bytes]"]:
    words = [sys.executable, "-m", "server", "worker", "--redis", url, "--engine", f"slow-step:step_s={STEP_S}"]
    environ = {**os.environ, "H2SERVE_LEASE_S": str(lease_s)}
    with subprocess.Popen(words, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


async def _killed(url: str, lease_s: float, victim: "subprocess.Popen[bytes]") -> Orphans:
    queue = RedisQueue(read_address(url), new_tokens("clients"))
    jobs = [bench_job(number, asynchronous=True) for number in range(JOBS)]
    try:
        async with asyncio.timeout(START_S + 2 * lease_s):
            await _workers_are(queue, 1)
            for job in jobs:
                await queue.put(replace(job, request=replace(job.request, steps=STEPS)), WIDE)
            await asyncio.gather(*(_attempt(queue, job.id, 1) for job in jobs))
            with _worker(url, lease_s):
                await _workers_are(queue, 2)
                victim.kill()
                killed_s = time.perf_counter()
                await asyncio.gather(*(_attempt(queue, job.id, 2) for job in jobs))
                return Orphans(lease_s, time.perf_counter() - killed_s)
    finally:
        await queue.close()


async def _workers_are(queue: RedisQueue, count: int) -> None:
    while len(await queue.workers()) < count:
        await asyncio.sleep(0.05)


async def _attempt(queue: RedisQueue, job_id: str, number: int) -> None:
    """Return when it begins."""
    async for event in queue.events(job_id):
        if event.what == Started(number):
            return
