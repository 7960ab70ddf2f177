"""What HTTP, queue and worker add to an engine that answers at once: latency at 50 requests a second."""

import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

RATE_PER_S = 50
SECONDS = 20
WARM_UP = 50
BODY = {"prompt": "a large red heart at the left on a blue background", "seed": 7}


@dataclass(frozen=True)
class HttpOverhead:
    """Milliseconds from sending the request to having read the answer."""

    p50_ms: float
    p99_ms: float
    requests: int


def measure_http() -> HttpOverhead:
    """Start a server process with an instant engine and send requests on a fixed timetable."""
    with instant_server() as address:
        latencies = asyncio.run(open_loop(address, SECONDS))
    cut = statistics.quantiles(latencies, n=100)
    return HttpOverhead(statistics.median(latencies), cut[98], len(latencies))


@contextlib.contextmanager
def instant_server() -> Iterator[str]:
    """The address of a server process of the embedded mode; its request log goes nowhere."""
    command = [sys.executable, "-m", "server.bench.instant_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def open_loop(address: str, seconds: float) -> list[float]:
    """Latencies in ms; a slow answer does not hold back the next request."""
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        for _ in range(WARM_UP):
            await one(client, 0.0)
        start_s = time.perf_counter()
        waiting = [one(client, start_s + i / RATE_PER_S) for i in range(round(RATE_PER_S * seconds))]
        return list(await asyncio.gather(*waiting))


async def one(client: httpx.AsyncClient, at_s: float) -> float:
    """One request at its time."""
    await asyncio.sleep(max(0.0, at_s - time.perf_counter()))
    started_s = time.perf_counter()
    response = await client.post("/v1/images/generations", json=BODY)
    response.raise_for_status()
    return 1000 * (time.perf_counter() - started_s)
