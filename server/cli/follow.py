"""A job at a server that is somebody else's process: put there, followed through its events, and its answer."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

from server.cli.target import ask, heed_interruption

LOOK_AGAIN_S = 1.0
CANCEL_WITHIN_S = 5.0
Hear = Callable[[dict[str, Any]], None]
"""Is told an event's data."""


async def make_as_job(client: httpx.AsyncClient, body: dict[str, Any], hear: Hear) -> dict[str, Any]:
    """The answer, as of one request. Raises the error that the job ended with; who is interrupted cancels it."""
    job = await ask(client, "POST", "/v1/jobs", body)
    path = f"/v1/jobs/{job['id']}"
    try:
        while True:
            heed_interruption()
            with contextlib.suppress(httpx.HTTPError):  # the events are for the eye; the result says how it is
                async for event in events(client, f"{path}/events"):
                    hear(event)
            heed_interruption()
            answer = await ask(client, "GET", f"{path}/result")
            if answer.get("object") != "job":
                return answer
            await asyncio.sleep(LOOK_AGAIN_S)
    except asyncio.CancelledError:
        with contextlib.suppress(httpx.HTTPError):
            await client.delete(path, timeout=CANCEL_WITHIN_S)
        raise


async def events(client: httpx.AsyncClient, path: str) -> AsyncIterator[dict[str, Any]]:
    """The data of each event; the server's events have one line of it."""
    async with client.stream("GET", path) as response:
        if not response.is_success:
            return
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))
