"""The same bound for all: so many requests may be under way, the next one gets a 429 at once."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class BoundedQueue:
    """ASGI middleware."""

    def __init__(self, app: App, most: int) -> None:
        self._app, self._most, self._under_way = app, most, 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
        elif self._under_way >= self._most:
            await refuse(send)
        else:
            self._under_way += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._under_way -= 1


async def refuse(send: Send) -> None:
    """429 in OpenAI's envelope."""
    body = json.dumps({"error": {"message": "the queue is full", "type": "rate_limit_error"}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 429, "headers": [*headers, (b"retry-after", b"1")]})
    await send({"type": "http.response.body", "body": body})
