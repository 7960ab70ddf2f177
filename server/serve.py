"""Serving over HTTP: the socket, the signals, and an orderly end."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Generator
from typing import Protocol

import uvicorn

from server.api.edge import Edge
from server.errors import ServerError, StartupError
from server.http_server import http_config
from server.settings import Settings


class Served(Protocol):
    """What ``serve`` puts behind a socket: the embedded server, or the API of the distributed mode."""

    @property
    def settings(self) -> Settings:
        """How long a request's head may take, among others."""
        ...

    def api(self) -> Edge:
        """The application, which answers 503 until it is ready."""
        ...

    async def start(self) -> None:
        """Become ready. Raises StartupError."""
        ...

    async def until_broken(self) -> None:
        """Return when it has stopped by itself."""
        ...

    async def drain(self) -> None:
        """Refuse new requests, end those that wait, and stop."""
        ...


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
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise StartupError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    # Accepted connections inherit it. Uvicorn writes head and body apart, and Nagle's algorithm would hold the
    # body back until the client's delayed acknowledgement: 40 ms an answer.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


async def serve(server: Served, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Raises StartupError when the model cannot be loaded, and ServerError when the worker stopped by itself.
    """
    config = http_config(server.api(), server.settings.head_timeout_s)
    http = QuietServer(config)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    answering = asyncio.create_task(http.serve(sockets=[listening]))
    starting = asyncio.create_task(server.start())
    stopping = asyncio.create_task(stop.wait())
    is_broken = False
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            on_ready()
            is_broken = await _until_over(server, stopping)
        await server.drain()
    finally:
        starting.cancel()
        stopping.cancel()
        http.should_exit = True
        await answering
    if is_broken:
        raise ServerError("the worker stopped by itself, the log says why")


async def _until_over(server: Served, stopping: "asyncio.Task[bool]") -> bool:
    """Wait for a signal. True when the worker stopped by itself before one came."""
    breaking = asyncio.create_task(server.until_broken())
    await asyncio.wait({breaking, stopping}, return_when=asyncio.FIRST_COMPLETED)
    breaking.cancel()
    return not stopping.done()
