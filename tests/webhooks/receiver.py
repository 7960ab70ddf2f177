"""A sender over a network of the test's own: names, answers, and what arrived."""

from dataclasses import dataclass, field

import httpx

from server.webhooks.origin import read_origins
from server.webhooks.outbox import ForgetfulOutbox, Outbox
from server.webhooks.sender import WebhookSender
from server.webhooks.webhooks import Webhooks

KEY = b"k" * 32
PUBLIC = "93.184.215.14"
NAMES = {"hooks.example": [PUBLIC], "v6.example": ["2606:2800:21f:cb07::1"]}
ORIGINS = "https://hooks.example https://v6.example:8443 http://hooks.example:8080"


@dataclass
class Receiver:
    """Answers with the statuses in turn, then 200. 0 is no answer. ``names`` are asked anew each time."""

    statuses: list[int] = field(default_factory=list)
    names: dict[str, list[str]] = field(default_factory=lambda: dict(NAMES))
    origins: str = ORIGINS
    requests: list[httpx.Request] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def webhooks(self, outbox: Outbox | None = None) -> Webhooks:
        return Webhooks(self.sender(), outbox or ForgetfulOutbox())

    def sender(self) -> WebhookSender:
        return WebhookSender(
            read_origins(self.origins),
            KEY,
            self._resolve,
            lambda: httpx.MockTransport(self._answer),
            lambda: 1000.9,
            self._sleep,
            lambda: 0.5,
        )

    async def _resolve(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        if host not in self.names:
            raise OSError("no such name")
        return self.names[host]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            raise httpx.ConnectError("nobody there")
        return httpx.Response(status, headers={"location": "http://169.254.169.254/"})

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
