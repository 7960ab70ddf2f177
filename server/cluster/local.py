"""Redis, one API and some workers on this machine, as ``make cluster`` starts them; who dies is started again."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.cluster.local_redis import free_port, start_redis

LOOK_EACH_S = 0.5
LEAVE_WITHIN_S = 60.0
"""More than the grace time of a worker."""


@dataclass
class Child:
    """One of our processes, and how it is started again."""

    name: str
    words: Sequence[str]
    environ: dict[str, str]
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, name: str, words: Sequence[str], environ: dict[str, str]) -> "Child":
        """In a session of its own: Ctrl-C reaches it through us, once."""
        process = subprocess.Popen([sys.executable, "-m", "server", *words], env=environ, start_new_session=True)
        return cls(name, words, environ, process)


def run_local(port: int, num_workers: int, flags: Sequence[str], folder: Path, say: Callable[[str], None]) -> None:
    """Until SIGINT or SIGTERM, then stop in order: API and workers, then Redis. Raises StartupError."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    redis_port = free_port()
    redis = start_redis(folder.resolve(), redis_port)
    url = f"redis://127.0.0.1:{redis_port}"
    say(f"h2serve cluster: Redis at {url}, its data in {folder}")
    environ = {**os.environ, "H2SERVE_THREADS": os.environ.get("H2SERVE_THREADS", threads_each(num_workers))}
    children = [Child.start("api", ["api", "--redis", url, "--port", str(port), *flags], environ)]
    for i in range(num_workers):
        children.append(Child.start(f"worker {i}", ["worker", "--redis", url, *flags], environ))
    try:
        while not stop.wait(LOOK_EACH_S):
            children = [_looked_after(child, say) for child in children]
    finally:
        _stop(children)
        redis.terminate()
        redis.wait()
        say("h2serve cluster: stopped")


def threads_each(num_workers: int) -> str:
    """The cores, shared out among the workers."""
    return str(max(1, (os.cpu_count() or 1) // max(1, num_workers)))


def _looked_after(child: Child, say: Callable[[str], None]) -> Child:
    code = child.process.poll()
    if code is None:
        return child
    say(f"h2serve cluster: {child.name} ended with {code}, starting it again")
    return Child.start(child.name, child.words, child.environ)


def _stop(children: Sequence[Child]) -> None:
    for child in children:
        child.process.terminate()
    for child in children:
        try:
            child.process.wait(LEAVE_WITHIN_S)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
