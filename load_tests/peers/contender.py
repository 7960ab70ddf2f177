"""A server under test: its command, pinned to one core, started and ended."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx

from load_tests.errors import LoadTestError

SERVER_CORE, GENERATOR_CORE = 0, 1
LOADING_S = 300.0
ENDING_S = 30.0


@dataclass(frozen=True)
class Contender:
    """``command`` gets ``--port N`` added; ``ready_path`` answers 200 when the model is loaded."""

    name: str
    command: Sequence[str]
    ready_path: str


@dataclass(frozen=True)
class Running:
    """A server that is up: its address, and the group of its processes."""

    url: str
    group: int

    def pause(self) -> None:
        """It takes no more time: a server that polls while it is idle would take it from the others'."""
        os.killpg(self.group, signal.SIGSTOP)

    def resume(self) -> None:
        """As if nothing had been."""
        os.killpg(self.group, signal.SIGCONT)


@contextlib.contextmanager
def serving(contender: Contender, log: str) -> Iterator[Running]:
    """The server, up. Server and generator have a core each, and the server's libraries one thread."""
    port = free_port()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "MKL_NUM_THREADS": "1"}
    command = [*contender.command, "--port", str(port)]
    with open(log, "wb") as said, started_on(SERVER_CORE, command, environment, said.fileno()) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_ready(process, url + contender.ready_path, contender.name)
            yield Running(url, process.pid)
        finally:
            end(process)


@contextlib.contextmanager
def started_on(
    core: int, command: Sequence[str], environment: Mapping[str, str], log: int
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process inherits its parent's cores: ours are the server's while it starts, and then the generator's."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    os.sched_setaffinity(0, {GENERATOR_CORE})
    try:
        with process:
            yield process
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """Of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def wait_until_ready(process: "subprocess.Popen[bytes]", url: str, name: str) -> None:
    """Raises LoadTestError where it ends first or takes too long."""
    until_s = time.monotonic() + LOADING_S
    while time.monotonic() < until_s:
        if process.poll() is not None:
            raise LoadTestError(f"{name} ended with {process.returncode} before it was ready: see its log")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5, trust_env=False).status_code == 200:
                return
        time.sleep(0.2)
    raise LoadTestError(f"{name} was not ready after {LOADING_S:g} s: see its log")


def end(process: "subprocess.Popen[bytes]") -> None:
    """Its whole session, paused or not, by the signal that asks, and after a while by the one that does not."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        os.killpg(process.pid, signal.SIGCONT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(ENDING_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
