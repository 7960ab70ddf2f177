"""One HTTP client of an OpenAI images endpoint."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from load_tests.errors import LoadTestError
from load_tests.outcome import Reply
from load_tests.reading import read_reply

PATH = "/v1/images/generations"
KEEP_ALIVE_S = 2.0
"""Shorter than servers keep an idle connection: one that is closed while we write would count as a failure."""


@contextlib.asynccontextmanager
async def http_client(url: str, timeout_s: float, key: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """As many connections as there are requests under way; a proxy of the environment is not used."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_ALIVE_S)
    async with httpx.AsyncClient(
        base_url=url, timeout=timeout_s, limits=limits, headers=headers, trust_env=False
    ) as client:
        yield client


async def generate(client: httpx.AsyncClient, body: Mapping[str, Any]) -> httpx.Response | Reply:
    """The answer as it came, not yet read; a reply with status 0 where the connection gave none."""
    try:
        return await client.post(PATH, json=body)
    except httpx.HTTPError as error:
        return Reply(0, error=type(error).__name__)


def as_reply(answer: httpx.Response | Reply) -> Reply:
    """Read the answer."""
    return answer if isinstance(answer, Reply) else read_reply(answer)


def read_key(file: Path | None) -> str | None:
    """An API key from its file, never from the command line, which other users of a machine can see."""
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise LoadTestError(f"key file {str(file)!r} cannot be read: {error}") from error
