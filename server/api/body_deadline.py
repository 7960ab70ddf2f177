"""A request's body has to be there in time: one byte a second would hold a request for ever."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import BodyTooSlow


@dataclass(frozen=True)
class BodyDeadline:
    """Lets ``receive`` raise BodyTooSlow ``timeout_s`` after the request's head, until the body is whole."""

    app: ASGIApp
    timeout_s: float
    clock: Callable[[], float]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        until_s, is_whole = self.clock() + self.timeout_s, False

        async def receive_in_time() -> Message:
            nonlocal is_whole
            if is_whole:  # what comes now is the client's hanging up, for which there is time
                return await receive()
            try:
                async with asyncio.timeout(max(0.0, until_s - self.clock())):
                    message = await receive()
            except TimeoutError as error:
                raise BodyTooSlow(f"the body was not there after {self.timeout_s:g} seconds") from error
            is_whole = not message.get("more_body", False)
            return message

        await self.app(scope, receive_in_time, send)
