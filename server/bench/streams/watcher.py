"""Reads a job's events over a plain socket: a client library would cost more than what is measured."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

LONGEST_LINE = 2**24


@dataclass(frozen=True)
class Heard:
    """An event's data, and when it was there: seconds of ``time.monotonic()``."""

    data: dict[str, Any]
    at_s: float


async def watch(address: str, path: str) -> AsyncIterator[Heard]:
    """All events of ``GET path`` up to the stream's end; data are on one line each."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=LONGEST_LINE)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nhost: {parts.netloc}\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        while line := await reader.readline():
            if line.startswith(b"data: "):
                yield Heard(json.loads(line.removeprefix(b"data: ")), time.monotonic())
    finally:
        writer.close()
