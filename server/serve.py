"""Serving over HTTP: the socket, the signals, and an orderly end."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Generator

import uvicorn

from server.app import EmbeddedServer
from server.errors import StartupError


class QuietServer(uvicorn.Server):
    """Uvicorn without its signal handling, which would raise the signal again after the shutdown."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals are handled by ``serve``."""
        yield


def open_socket(host: str, port: int) -> socket.socket:
    """Listen, or say in one line why not. Port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise StartupError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


async def serve(server: EmbeddedServer, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then drain. Raises StartupError when the model cannot be loaded."""
    # h11 has a limit on headers; httptools has none.
    config = uvicorn.Config(server.api(), http="h11", lifespan="off", log_level="warning", access_log=False)
    http = QuietServer(config)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    answering = asyncio.create_task(http.serve(sockets=[listening]))
    starting = asyncio.create_task(server.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            on_ready()
            await stopping
        await server.drain()
    finally:
        starting.cancel()
        stopping.cancel()
        http.should_exit = True
        await answering
