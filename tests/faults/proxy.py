"""A TCP proxy on the loopback that loses, delays, cuts and throttles what goes through it."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable

PIECE = 65536
RESET = struct.pack("ii", 1, 0)
Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ChaosProxy:
    """Sits before whatever ``connect`` opens. What it does to the bytes can be changed at any time.

    ``lose_answers``: of so many next answers nothing arrives; the request did, and then the link breaks.
    ``delay_s`` holds each piece back, ``bytes_per_s`` bounds answers, ``freeze`` lets nothing through, and while
    ``refusing`` new links are closed at once. ``carried`` counts the bytes both ways, ``requests`` the pieces to
    the other side: round trips, for a client that waits for its answers. ``held`` counts pieces that a partition
    held back, ``resets`` links that were cut.
    """

    def __init__(self, connect: Callable[[], Awaitable[Link]]) -> None:
        self._connect = connect
        self.lose_answers = 0
        self.delay_s = 0.0
        self.bytes_per_s: float | None = None
        self.refusing = False
        self.carried = self.requests = 0
        self.lost = self.held = self.resets = 0
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._links: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> "ChaosProxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def freeze(self) -> None:
        """A partition: links stay open, nothing arrives."""
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()

    def cut(self) -> None:
        """Reset all links: with nothing to linger for, closing sends RST."""
        for writer in list(self._links):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
            self.resets += 1

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.thaw()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self.refusing:
                await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # a broken link is what the proxy is for
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, away = await self._connect()
        self._links |= {writer, away}
        both = [
            asyncio.create_task(self._carry(reader, away, is_answer=False)),
            asyncio.create_task(self._carry(there, writer, is_answer=True)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            self._links -= {writer, away}
            away.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, is_answer: bool) -> None:
        while piece := await source.read(PIECE):
            self.held += not self._thawed.is_set()
            await self._thawed.wait()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if is_answer and self.lose_answers:
                self.lose_answers -= 1
                self.lost += 1
                return
            self.carried += len(piece)
            self.requests += not is_answer
            with contextlib.suppress(ConnectionError):
                await self._pass_on(piece, sink, is_answer)

    async def _pass_on(self, piece: bytes, sink: asyncio.StreamWriter, is_answer: bool) -> None:
        if not is_answer or self.bytes_per_s is None:
            sink.write(piece)
            await sink.drain()
            return
        for at in range(len(piece)):
            sink.write(piece[at : at + 1])
            await sink.drain()
            await asyncio.sleep(1 / self.bytes_per_s)
