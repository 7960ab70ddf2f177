"""How many jobs a second go through the queue, and what one costs Redis: no HTTP, results of 100 bytes.

Clients, workers and Redis share the machine. Events, leases, fair share and Idempotency-Keys are on.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from server.bench.queue.clients import Clients
from server.bench.queue.jobs import new_tokens
from server.bench.queue.redis_use import bench_redis, redis_use
from server.jobs.bull.queue import RedisQueue
from server.redis_link import open_redis, read_address
from server.results.redis import RedisResults

IN_FLIGHT, WARM_UP, JOBS = 64, 300, 3000


@dataclass(frozen=True)
class QueueRate:
    """Per job: Redis' CPU in ms, and round trips of clients and workers together, heartbeats and all."""

    workers: int
    jobs_per_s: float
    redis_ms: float
    round_trips: float


def measure_rate(workers: int, jobs: int = JOBS, warm_up: int = WARM_UP) -> QueueRate:
    """Through so many worker processes."""
    with bench_redis() as url, work_processes(url, workers):
        return asyncio.run(_through(url, workers, jobs, warm_up))


@contextlib.contextmanager
def work_processes(url: str, count: int) -> Iterator[None]:
    """Processes that take jobs."""
    words = [sys.executable, "-m", "server.bench.queue.work_process", url]
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
            stack.callback(process.terminate)
            assert process.stdout is not None
            process.stdout.readline()
        yield


async def _through(url: str, workers: int, jobs: int, warm_up: int) -> QueueRate:
    address = read_address(url)
    queue, results = RedisQueue(address, new_tokens("clients")), RedisResults(open_redis(address, 3))
    clients = Clients(queue, results, IN_FLIGHT)
    try:
        async with open_redis(address, 1, text=True) as looking:
            await clients.ask(range(warm_up))
            before, started_s = await redis_use(looking), time.perf_counter()
            await clients.ask(range(warm_up, warm_up + jobs))
            seconds = time.perf_counter() - started_s
            spent = await redis_use(looking) - before
    finally:
        await queue.close()
        await results.close()
    return QueueRate(workers, jobs / seconds, 1000 * spent.cpu_s / jobs, spent.reads / jobs)
