"""What a results store promises: bytes by key, gone after their time to live."""

from collections.abc import Sequence
from typing import Protocol


class ResultStore(Protocol):
    """Bytes that a job's payload, events or result name by key: images in and out, masks, checkpoints.

    Whoever writes a key writes before anybody is told of it. A store that is kept elsewhere raises
    StorageUnreachable when nobody answers there.
    """

    async def put(self, key: str, content: bytes, ttl_s: float) -> None:
        """Keep ``content`` under ``key`` for ``ttl_s`` seconds. Raises StorageFull when there is no room."""
        ...

    async def get(self, key: str) -> bytes | None:
        """The bytes, or None when the key is unknown or past its life."""
        ...

    async def touch(self, keys: Sequence[str], ttl_s: float) -> None:
        """Let the keys live for ``ttl_s`` seconds from now on; unknown keys stay unknown."""
        ...

    async def delete(self, *keys: str) -> None:
        """Forget the keys; unknown keys are fine."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
