"""A whole embedded server on a real socket, in a thread of the test's process."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import httpx

from server.app import EmbeddedServer
from server.app_engine import LoadEngine
from server.app_models import served_profile
from server.http_server import http_config
from server.serve import QuietServer, open_socket
from server.settings import DEFAULT_FILE, Settings, load_settings
from tests.plain_http import client_of


def settings_for_tests(**changes: Any) -> Settings:
    """The shipped profile on a free port, with changes."""
    return load_settings(DEFAULT_FILE, {"port": 0, "shutdown_grace_s": 5.0, "request_log": False, **changes}, {})


@contextlib.contextmanager
def live_server(load_engine: LoadEngine, **changes: Any) -> Iterator[httpx.Client]:
    """A client of a ready server; drained at the end. The client's base URL is the server's address."""
    settings = settings_for_tests(**changes)
    server = EmbeddedServer(settings, served_profile(settings), load_engine)
    listening = open_socket("127.0.0.1", 0)
    ready, stop = threading.Event(), threading.Event()

    async def run() -> None:
        config = http_config(server.api(), settings.head_timeout_s)
        http = QuietServer(config)
        answering = asyncio.create_task(http.serve(sockets=[listening]))
        try:
            await server.start()
            ready.set()
            await asyncio.to_thread(stop.wait)
        finally:
            await server.drain()
            http.should_exit = True
            await answering

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert ready.wait(60)
        port = listening.getsockname()[1]
        with client_of(f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        stop.set()
        thread.join()
