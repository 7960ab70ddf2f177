"""HTTP as it comes off the wire: bounded headers, and no patience for those who send them slowly."""

import asyncio
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

LONGEST_HEAD = 16 * 1024
"""Bytes of a request's line and headers. h11 has such a limit; httptools has none."""
KEPT_AT_REST_S = 75
"""Of a connection between two requests. Longer than clients (httpx 5 s) and load balancers (60 s) keep theirs: who
closes first may do so while a request is on its way, and only the client knows that there is none.
"""
LAST_BYTES_S = 5
"""After draining: how long answers may still be written, and what half-sent requests may keep open."""


def http_config(app: Any, head_timeout_s: float) -> uvicorn.Config:
    """Uvicorn's settings for the application; ``head_timeout_s`` is the most that a request's head may take."""

    class Protocol(TimedProtocol):
        timeout_s = head_timeout_s

    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        h11_max_incomplete_event_size=LONGEST_HEAD,
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEPT_AT_REST_S,
        timeout_graceful_shutdown=LAST_BYTES_S,
    )


class TimedProtocol(H11Protocol):
    """A connection that is closed when a request's head is not there ``timeout_s`` after it could have begun.

    So is one on which a body is still coming so long after its request was answered, refused for instance. Uvicorn
    bounds the time between requests only: one byte a second would hold a connection for ever.
    """

    timeout_s: float = 0.0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it so
        """The first head is awaited from here on."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """A head that is complete stops the timer; the beginning of the next one starts it again."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._await_head()
        elif not self._is_answered_early():
            self._forget_head()

    def on_response_complete(self) -> None:
        """What is left of a body that nobody reads has as long as a head."""
        super().on_response_complete()
        if self._is_answered_early():
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._forget_head()
        super().connection_lost(exc)

    def _is_answered_early(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY and self.cycle is not None and self.cycle.response_complete

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.timeout_s, self.transport.close)

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
