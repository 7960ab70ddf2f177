"""What a results store promises: bytes by key, gone after their time to live."""

from typing import Protocol


class ResultStore(Protocol):
    """Written once by the worker before the job is finished, read by the API."""

    async def put(self, key: str, content: bytes, ttl_s: float) -> None:
        """Keep ``content`` under ``key`` for ``ttl_s`` seconds."""
        ...

    async def get(self, key: str) -> bytes | None:
        """The bytes, or None when the key is unknown or past its life."""
        ...

    async def delete(self, key: str) -> None:
        """Forget the key; unknown keys are fine."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
