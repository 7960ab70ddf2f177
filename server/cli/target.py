"""Who makes the images of a command: a server by its URL, or one in this process."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from server.engine.interface import Engine, EngineEvent, Listener, Observer, SampleOrder
from server.errors import NotReady, QueueFull, RequestError, ServerError

GENERATIONS = "/v1/images/generations"
Tap = Callable[[EngineEvent], None]
"""Hears what the engine says; called from its threads."""


@dataclass(frozen=True, slots=True)
class Target:
    """``url`` None is this process, whose ``model`` and ``device`` are loaded; None there leaves the settings'."""

    url: str | None = None
    key: str | None = None
    model: str | None = None
    device: str | None = None


@contextlib.asynccontextmanager
async def open_target(target: Target, tap: Tap = lambda event: None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it. ``tap`` hears the steps of a server in this process. Raises StartupError."""
    if target.url is None:
        async with embedded_server(target, tap) as client:
            yield client
        return
    headers = {"authorization": f"Bearer {target.key}"} if target.key else {}
    async with httpx.AsyncClient(base_url=target.url, headers=headers, timeout=600) as client:
        yield client


@contextlib.asynccontextmanager
async def embedded_server(target: Target, tap: Tap) -> AsyncIterator[httpx.AsyncClient]:
    """The server's own application without a socket, so that both ways take and answer the same."""
    from server.app import EmbeddedServer
    from server.app_engine import real_engine
    from server.app_models import served_profile
    from server.settings import DEFAULT_FILE, load_settings

    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    flags = {"model": target.model, "device": target.device}
    given = {name: value for name, value in flags.items() if value is not None}
    # Nobody but this process can reach the application, so that it needs no keys.
    settings = load_settings(DEFAULT_FILE, {**given, "host": "127.0.0.1", "keys": ""}, os.environ)
    profile = served_profile(settings)
    server = EmbeddedServer(settings, profile, lambda: TappedEngine(real_engine(settings, profile), tap))
    try:
        await server.start()
        transport = httpx.ASGITransport(server.api())
        async with httpx.AsyncClient(transport=transport, base_url="http://embedded", timeout=None) as client:
            yield client
    finally:
        await server.drain()


@dataclass(frozen=True)
class TappedEngine:
    """An engine whose events are heard by one more."""

    engine: Engine
    tap: Tap

    def start(self, listener: Listener, observer: Observer) -> None:
        """See Engine."""

        def listen(event: EngineEvent) -> None:
            self.tap(event)
            listener(event)

        self.engine.start(listen, observer)

    def submit(self, order: SampleOrder) -> None:
        """See Engine."""
        self.engine.submit(order)

    def cancel(self, sample_id: str) -> None:
        """See Engine."""
        self.engine.cancel(sample_id)

    def save(self, sample_id: str, full_up_to_bytes: int) -> None:
        """See Engine."""
        self.engine.save(sample_id, full_up_to_bytes)

    def free_slots(self) -> int:
        """See Engine."""
        return self.engine.free_slots()

    @property
    def last_tick_s(self) -> float | None:
        """See Engine."""
        return self.engine.last_tick_s

    def stop(self, grace_s: float) -> None:
        """See Engine."""
        self.engine.stop(grace_s)


async def ask(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """The JSON of an answer. Raises the error that a refusal stands for, and ServerError where nobody answers."""
    try:
        response = await client.request(method, path, json=body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        heed_interruption()
        raise ServerError(f"{client.base_url} does not answer: {error or type(error).__name__}") from error
    if response.is_success:
        answer: dict[str, Any] = response.json()
        return answer
    raise error_of(response)


def heed_interruption() -> None:
    """Raises CancelledError again where a connection's own error, as it was closed, came in its place."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def error_of(response: httpx.Response) -> ServerError:
    """The envelope as an error of the tree: what was asked for is wrong, come back later, or it broke."""
    try:
        message = str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = f"the answer is a {response.status_code} that is not of h2serve"
    if response.status_code == QueueFull.status:
        return QueueFull(message, float(response.headers.get("retry-after", 1)))
    if response.status_code == NotReady.status:
        return NotReady(message)
    is_ours = 400 <= response.status_code < 500
    return RequestError(message) if is_ours else ServerError(message)
