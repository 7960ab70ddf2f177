"""What a Redis is told, as it is told."""

import contextlib
import threading
from collections.abc import Iterator

import redis as redis_py

LAST = "nothing more is of interest"


@contextlib.contextmanager
def overheard(url: str) -> Iterator[list[str]]:
    """The commands that come in meanwhile, in a list that grows."""
    commands: list[str] = []
    listening = threading.Event()

    def listen() -> None:
        with redis_py.Redis.from_url(url) as client, client.monitor() as monitor:
            listening.set()
            while (command := monitor.next_command()["command"]) != f"ECHO {LAST}":
                commands.append(command)

    thread = threading.Thread(target=listen, name="overheard", daemon=True)
    thread.start()
    assert listening.wait(10)
    try:
        yield commands
    finally:
        with redis_py.Redis.from_url(url) as client:
            client.echo(LAST)
        thread.join(10)
