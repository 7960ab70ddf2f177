"""Servers for the benchmarks of streams: processes of their own on one CPU, with the client on another."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from server.bench.streams.fake_server import BATCH
from server.cluster.local_redis import free_port, start_redis

ENVIRON = {"H2SERVE_REQUEST_LOG": "false", "H2SERVE_THREADS": "1", "OMP_NUM_THREADS": "1"}
ADDRESS = r"(http://[0-9.:]+)"
START_S = 60.0


@dataclass(frozen=True)
class Started:
    """A server process, and what it said of itself when it was ready, such as its address."""

    said: str
    process: psutil.Process

    def cpu_s(self) -> float:
        """Seconds of CPU time that it has used, of all its threads."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextlib.contextmanager
def client_on_its_own_cpu() -> Iterator[None]:
    """This process on the last CPU that it has; processes started within are moved by ``started``."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def started(words: Sequence[str], said: str) -> Iterator[Started]:
    """A Python module with its words on CPU 0; ``said`` is the pattern of what is wanted of its output."""
    environ = {**os.environ, **ENVIRON}
    command = [sys.executable, "-m", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ
    ) as process:
        os.sched_setaffinity(process.pid, {0})
        assert process.stdout is not None
        try:
            yield Started(first_match(process.stdout, said), psutil.Process(process.pid))
        finally:
            process.terminate()


def first_match(lines: Iterator[str], pattern: str) -> str:
    """The first group of the first line that has it."""
    for line in lines:
        found = re.search(pattern, line)
        if found:
            return found.group(1)
    raise RuntimeError("the server ended before it was ready")


@contextlib.contextmanager
def embedded_metronome() -> Iterator[str]:
    """The address of an embedded server with the engine that steps by the clock."""
    with started(["server.bench.streams.fake_server"], f"ready at {ADDRESS}") as server:
        yield server.said


@contextlib.contextmanager
def distributed_metronome() -> Iterator[str]:
    """The address of an API process; Redis and a worker with that engine beside it, all on CPU 0."""
    with tempfile.TemporaryDirectory(prefix="h2serve-bench-") as folder:
        port = free_port()
        redis = start_redis(Path(folder), port)
        os.sched_setaffinity(redis.pid, {0})
        url = f"redis://127.0.0.1:{port}"
        worker = ["server", "worker", "--redis", url, "--engine", "metronome", "--max-batch", str(BATCH)]
        api = ["server", "api", "--redis", url, "--port", "0", "--max-queue", str(BATCH)]
        try:
            with started(worker, r"(h2serve worker)"), started(api, f"at {ADDRESS}") as server:
                wait_until_ready(server.said)
                yield server.said
        finally:
            redis.terminate()
            redis.wait()


def wait_until_ready(address: str) -> None:
    """An API process has to see its worker first."""
    until_s = time.monotonic() + START_S
    while not httpx.get(f"{address}/readyz").is_success:
        if time.monotonic() > until_s:
            raise RuntimeError("the server did not become ready")
        time.sleep(0.1)


@contextlib.contextmanager
def real_server() -> Iterator[Started]:
    """An embedded server with flux-nano on one thread, which says its address."""
    with started(["server", "serve", "--port", "0", "--device", "cpu"], f"ready at {ADDRESS}") as server:
        yield server
