"""Results in Redis: one string a key, with Redis' own time to live."""

from collections.abc import Sequence
from typing import Any

from server.redis_link import plain_errors

PREFIX = "h2serve:results:"
"""Keeps results apart from jobs where both are in one Redis."""


class RedisResults:
    """``client`` is a redis.asyncio client that answers in bytes; the store closes it at its end."""

    def __init__(self, client: Any, prefix: str = PREFIX) -> None:
        self._client, self._prefix = client, prefix

    async def put(self, key: str, content: bytes, ttl_s: float) -> None:
        """See ResultStore."""
        with plain_errors():
            await self._client.set(self._prefix + key, content, px=_milliseconds(ttl_s))

    async def get(self, key: str) -> bytes | None:
        """See ResultStore."""
        with plain_errors():
            content: bytes | None = await self._client.get(self._prefix + key)
        return content

    async def touch(self, keys: Sequence[str], ttl_s: float) -> None:
        """See ResultStore. One round trip for all of them."""
        if not keys:
            return
        with plain_errors():
            async with self._client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.pexpire(self._prefix + key, _milliseconds(ttl_s))
                await pipeline.execute()

    async def delete(self, *keys: str) -> None:
        """See ResultStore. Redis frees the memory on a thread of its own."""
        if keys:
            with plain_errors():
                await self._client.unlink(*(self._prefix + key for key in keys))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _milliseconds(seconds: float) -> int:
    return max(1, round(1000 * seconds))
