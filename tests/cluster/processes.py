"""The server's own processes, started as a user starts them, and hurt as only the world does it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.plain_http import client_of

START_S = 240.0
WAIT_S = 120.0
"""Far more than anything here takes on a machine that does nothing else."""
POLL_S = 0.02


class ServerProcess:
    """``python -m server`` with its output in a file; stopped at the end whatever happens.

    ``home`` is the folder where Python finds the package server first, None for the test's own.
    """

    def __init__(self, words: Sequence[str], log: Path, environ: dict[str, str], home: Path | None = None) -> None:
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server", *words],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=home,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **environ},
            )

    def said(self, pattern: str) -> str:
        """Wait until it has written what matches; the first group."""
        until(lambda: re.search(pattern, self.text) is not None or self.has_ended, START_S)
        found = re.search(pattern, self.text)
        assert found is not None, self.text
        return found.group(1)

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def port_address(self) -> str:
        """Of a worker: where its /metrics, /livez and /readyz are."""
        return self.said(r"metrics at (http://\S+)/metrics")

    def get(self, path: str) -> httpx.Response:
        """What a worker's own port answers."""
        with client_of(self.port_address) as port:
            return port.get(path)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """As ``kill -9``."""
        self._process.kill()
        self._process.wait()

    def wait(self) -> int:
        """The exit code, within a time limit."""
        return self._process.wait(WAIT_S)


class Cluster:
    """Processes over one Redis. A lease is short, so that a lost worker is noticed within the test.

    A process may be given another way to that Redis, ``redis``, and variables of its own.
    """

    def __init__(self, redis_url: str, folder: Path, home: Path | None = None, **environ: str) -> None:
        self.redis_url, self._folder, self._home = redis_url, folder, home
        self._environ = {"H2SERVE_LEASE_S": "3", "H2SERVE_CHECKPOINT_INTERVAL_S": "0", **environ}
        self.processes: list[ServerProcess] = []

    def start(self, *words: str, redis: str | None = None, **environ: str) -> ServerProcess:
        log = self._folder / f"{len(self.processes)}-{words[0]}.log"
        all_words = [*words, "--redis", redis or self.redis_url]
        process = ServerProcess(all_words, log, {**self._environ, **environ}, self._home)
        self.processes.append(process)
        return process

    def api(self, *words: str, redis: str | None = None) -> tuple[ServerProcess, httpx.Client]:
        """An API process that listens, ready or not."""
        process = self.start("api", "--port", "0", *words, redis=redis)
        address = process.said(r"h2serve api: \S+ at (http://\S+),")
        return process, client_of(address, WAIT_S)

    def worker(
        self, engine: str = "slow-step:step_s=0.02", *flags: str, redis: str | None = None, **environ: str
    ) -> ServerProcess:
        """A worker process with a fake engine that has said that it works."""
        process = self.start("worker", "--engine", engine, *flags, redis=redis, **environ)
        process.said(r"h2serve worker (\S+):")
        return process

    def real_workers(self, count: int) -> list[ServerProcess]:
        """Worker processes with flux-nano, which load at the same time."""
        workers = [self.start("worker", "--device", "cpu") for _ in range(count)]
        for worker in workers:
            worker.said(r"h2serve worker (\S+):")
        return workers

    def stop(self) -> None:
        for process in self.processes:
            process.kill()


@contextlib.contextmanager
def cluster(redis_url: str, home: Path | None = None, **environ: str) -> Iterator[Cluster]:
    """Processes that are gone at the end."""
    with TemporaryDirectory(prefix="h2serve-cluster-") as folder:
        started = Cluster(redis_url, Path(folder), home, **environ)
        try:
            yield started
        finally:
            started.stop()


def until(is_so: Callable[[], bool], seconds: float = WAIT_S) -> None:
    """Wait for what another process brings about."""
    until_s = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until_s, "it did not come about"
        time.sleep(POLL_S)


def until_ready(client: httpx.Client) -> None:
    until(lambda: client.get("/readyz").status_code == 200)
