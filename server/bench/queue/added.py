"""What the distributed mode adds to a request: latency at 50 requests a second, beside that of the embedded mode.

Both servers run beside each other around an engine that answers at once, and are asked in turn.
"""

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx

from server.bench.http import instant_server, open_loop
from server.bench.memory import address_of
from server.bench.queue.redis_use import bench_redis

TURNS, TURN_S, START_S = 4, 5.0, 120.0


@dataclass(frozen=True)
class Added:
    """Median milliseconds of a request."""

    embedded_ms: float
    distributed_ms: float

    @property
    def added_ms(self) -> float:
        """By Redis and two more processes."""
        return self.distributed_ms - self.embedded_ms


def measure_added(turns: int = TURNS, turn_s: float = TURN_S) -> Added:
    """So many turns of each."""
    embedded: list[float] = []
    distributed: list[float] = []
    with instant_server() as one, instant_cluster() as many:
        for _ in range(turns):
            embedded += asyncio.run(open_loop(one, turn_s))
            distributed += asyncio.run(open_loop(many, turn_s))
    return Added(statistics.median(embedded), statistics.median(distributed))


@contextlib.contextmanager
def instant_cluster() -> Iterator[str]:
    """The address of an API before Redis and one worker whose engine answers at once."""
    with (
        bench_redis() as url,
        _started(["worker", "--engine", "instant"], url),
        _started(["api", "--port", "0"], url) as api,
    ):
        assert api.stdout is not None
        address = address_of(api.stdout)
        _until_ready(address)
        yield address


@contextlib.contextmanager
def _started(words: Sequence[str], url: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "server", *words, "--redis", url]
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _until_ready(address: str) -> None:
    until_s = time.monotonic() + START_S
    while httpx.get(f"{address}/readyz").status_code != 200:
        if time.monotonic() > until_s:
            raise TimeoutError(f"the cluster at {address} is not ready within {START_S} s")
        time.sleep(0.1)
