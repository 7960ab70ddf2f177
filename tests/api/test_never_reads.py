"""A client that opens a stream and never reads it, over a real socket: it is let go, and others are served."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

import httpx
from starlette.types import Receive, Scope, Send

from server.api.sse import EventStream, ServerEvent
from server.http_server import http_config
from server.serve import QuietServer, open_socket

CLIENTS = 20


async def endless() -> AsyncGenerator[ServerEvent, None]:
    """Far more than the buffers of both ends."""
    while True:
        yield ServerEvent("x", {"filling": "x" * 2**18})


async def few() -> AsyncGenerator[ServerEvent, None]:
    yield ServerEvent("x", {})


async def until_let_go(hung_up: list[str], count: int) -> None:
    async with asyncio.timeout(30):
        while len(hung_up) < count:
            await asyncio.sleep(0.02)


def test_clients_that_never_read_are_let_go_and_hold_up_nobody() -> None:
    hung_up: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def note() -> None:
            hung_up.append(scope["path"])

        events = endless() if scope["path"] == "/endless" else few()
        stream = EventStream(events, 15.0, note, stalled_after_s=0.2)
        await stream(scope, receive, send)

    async def scenario() -> None:
        listening = open_socket("127.0.0.1", 0)
        http = QuietServer(http_config(app, 10.0))
        serving = asyncio.create_task(http.serve(sockets=[listening]))
        address = listening.getsockname()
        with contextlib.ExitStack() as clients:
            for _ in range(CLIENTS):
                client = clients.enter_context(socket.create_connection(address, 30))
                client.sendall(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{address[1]}", trust_env=False) as reader:
                assert "event: x" in (await reader.get("/few", timeout=30)).text
            await until_let_go(hung_up, CLIENTS)
            assert hung_up == ["/endless"] * CLIENTS
        http.should_exit = True
        await serving

    asyncio.run(scenario())
