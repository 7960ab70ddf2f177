"""Sends one message to a receiver, to an address that was looked at first, until it is taken or given up."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from server.webhooks.address import Resolve, is_public
from server.webhooks.origin import Origin, check_url, port_of
from server.webhooks.retry import is_taken, wait_before_next
from server.webhooks.signing import signed_headers

TIMEOUT_S = 10.0
MOST_AT_ONCE = 16
log = logging.getLogger(__name__)
NewTransport = Callable[[], httpx.AsyncBaseTransport]


class NotPublic(OSError):
    """The receiver's name stands for an address that is not out on the Internet."""


@dataclass(frozen=True)
class WebhookSender:
    """``key`` signs. A new transport an attempt: pooled connections could be another name's of one address."""

    origins: frozenset[Origin]
    key: bytes = field(repr=False)
    resolve: Resolve
    new_transport: NewTransport
    wall_clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    chance: Callable[[], float]
    may_reach: Callable[[str], bool] = is_public
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

    def check(self, url: str) -> None:
        """Raises RequestError for a receiver that is not allowed."""
        check_url(url, self.origins)

    async def send(self, url: str, message_id: str, body: bytes) -> bool:
        """True when it was taken. What a receiver may get twice has the same id."""
        attempt, status = 1, await self._try(url, message_id, body)
        while (wait_s := wait_before_next(attempt, status, self.chance())) is not None:
            await self.sleep(wait_s)
            attempt, status = attempt + 1, await self._try(url, message_id, body)
        return is_taken(status)

    async def _try(self, url: str, message_id: str, body: bytes) -> int | None:
        """The status of one attempt, None when there was no answer in time; the rest of the answer is not read."""
        try:
            async with self._places, asyncio.timeout(TIMEOUT_S):
                return await self._post(url, message_id, body)
        except (httpx.HTTPError, OSError, UnicodeError, TimeoutError) as error:
            log.warning("webhook of job %s was not taken: %s", message_id, type(error).__name__)
            return None

    async def _post(self, url: str, message_id: str, body: bytes) -> int:
        """The name is resolved once, and the connection goes there; what is said later changes nothing."""
        target = httpx.URL(url)
        address = await self._address(target)
        headers = {
            "host": target.netloc.decode("ascii"),
            "content-type": "application/json",
            "user-agent": "h2serve",
            **signed_headers(self.key, message_id, int(self.wall_clock()), body),
        }
        # TLS asks for the name's certificate, not the address'.
        request = httpx.Request(
            "POST",
            target.copy_with(host=address),
            headers=headers,
            content=body,
            extensions={"sni_hostname": target.host, "timeout": httpx.Timeout(TIMEOUT_S).as_dict()},
        )
        async with self.new_transport() as transport:
            response = await transport.handle_async_request(request)
            await response.aclose()
        return response.status_code

    async def _address(self, target: httpx.URL) -> str:
        """Raises NotPublic where any address of the name is none that may be reached."""
        found = await self.resolve(target.host, port_of(target))
        if not found or not all(map(self.may_reach, found)):
            raise NotPublic("the receiver's address is not public")
        return found[0]


def new_transport_maker() -> NewTransport:
    """Over the system's certificates, read once, and past any proxy of the environment."""
    context = ssl.create_default_context()
    return lambda: httpx.AsyncHTTPTransport(verify=context, trust_env=False, retries=0)
