"""Server-sent events: one response that goes on for as long as there are events and somebody reads them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.api.envelope import object_of
from server.errors import ServerError

STALLED_AFTER_S = 60.0
"""Who has not read what was sent by then is taken for gone."""
HEARTBEAT = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event; ``id`` is what a client sends as Last-Event-ID when it comes back."""

    name: str
    data: Mapping[str, Any]
    id: str | None = None

    def encode(self) -> bytes:
        """As the wire has it. JSON in ASCII has no line ends."""
        head = "" if self.id is None else f"id: {self.id}\n"
        return f"{head}event: {self.name}\ndata: {json.dumps(self.data, allow_nan=False)}\n\n".encode("ascii")


Events = AsyncGenerator[ServerEvent, None]


def error_event(error: ServerError) -> ServerEvent:
    """An end by one of our errors, as clients of the OpenAI API read it from within a stream."""
    return ServerEvent("error", {"type": "error", "error": object_of(error)})


async def _nothing() -> None:
    """Nobody is to be told."""


class EventStream(Response):
    """Sends events until there are no more, the client hangs up, or it no longer reads.

    While no event comes there are comments each ``heartbeat_s``, which keep proxies from closing.
    ``on_hang_up`` is called where the client left before the end. One of our errors becomes the last event.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: Events,
        heartbeat_s: float,
        on_hang_up: Callable[[], Awaitable[None]] = _nothing,
        headers: Mapping[str, str] | None = None,
        stalled_after_s: float = STALLED_AFTER_S,
    ) -> None:
        super().__init__(None, 200, {"x-accel-buffering": "no", **(headers or {})})
        del self.headers["content-length"]
        self._events, self._heartbeat_s, self._stalled_after_s = events, heartbeat_s, stalled_after_s
        self._on_hang_up = on_hang_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Two tasks: one sends, one listens for the hang-up; the first to end ends both."""
        sending = asyncio.ensure_future(self._send_all(send))
        hanging_up = asyncio.ensure_future(_hang_up(receive))
        try:
            await asyncio.wait({sending, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done() or not sending.result():
                await self._on_hang_up()
        finally:
            for task in (sending, hanging_up):
                task.cancel()
            await asyncio.gather(sending, hanging_up, return_exceptions=True)

    async def _send_all(self, send: Send) -> bool:
        """False when the client stopped reading."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async with contextlib.aclosing(_chunks(self._events, self._heartbeat_s)) as chunks:
                async for chunk in chunks:
                    async with asyncio.timeout(self._stalled_after_s):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            return False
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return True


async def _chunks(events: Events, heartbeat_s: float) -> AsyncGenerator[bytes, None]:
    """Events as bytes, heartbeats between them."""
    reading = asyncio.ensure_future(_next(events))
    try:
        while True:
            done, _ = await asyncio.wait({reading}, timeout=heartbeat_s)
            if not done:
                yield HEARTBEAT
                continue
            event = reading.result()
            if event is None:
                return
            yield event.encode()
            reading = asyncio.ensure_future(_next(events))
    except ServerError as error:
        yield error_event(error).encode()
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await events.aclose()


async def _next(events: Events) -> ServerEvent | None:
    return await anext(events, None)


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
