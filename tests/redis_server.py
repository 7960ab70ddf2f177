"""A real Redis for tests: a process of its own on a free port of the loopback, with a folder of its own."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from server.cluster.local_redis import SAFE, answers, free_port, redis_binary

__all__ = ["RedisServer", "free_port", "redis_server"]

START_S = 10.0
POLL_S = 0.02


class RedisServer:
    """One redis-server; it can be killed, frozen and started again on the same port with the same data.

    ``options`` are lines of redis.conf by their names, such as ``{"requirepass": "x"}``.
    """

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder, self.options = folder, {**SAFE, **options}
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
        config = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self.folder), **self.options}
        words = [redis_binary()]
        for name, value in config.items():
            words += [f"--{name}", value]
        with (self.folder / "redis.log").open("ab") as log:
            # SIGXFSZ stays ignored, as in Python: a file at its limit is an error of the write.
            self._process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, restore_signals=False)
        until_s = time.monotonic() + START_S
        while not answers(self.port):
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

    def log_size(self) -> int:
        """Bytes of the append-only file that is written now."""
        return self._log_file().stat().st_size

    def cut_log(self, size: int) -> None:
        """Lose what was written behind the first ``size`` bytes, as a machine without power does."""
        os.truncate(self._log_file(), size)

    def _log_file(self) -> Path:
        """One file until Redis 7, then the last of those in a folder."""
        return max(self.folder.glob("**/*.aof"), key=lambda path: path.stat().st_mtime_ns)

    def stop(self) -> None:
        """At the end of a test; its data are not looked at again."""
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


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
