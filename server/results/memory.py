"""Results in this process's memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from server.errors import StorageFull
from server.results.inputs import is_input


@dataclass(frozen=True, slots=True)
class _Kept:
    content: bytes
    until_s: float


class MemoryResults:
    """Bytes by key, bounded in sum: the oldest go first, but no job's input images, without which it would fail.

    ``clock`` gives seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float], max_bytes: int = 256 * 2**20) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._kept: dict[str, _Kept] = {}
        self._size = 0

    async def put(self, key: str, content: bytes, ttl_s: float) -> None:
        """Keep, after dropping what is past its life or over the bound. StorageFull where that makes no room."""
        if len(content) > self._max_bytes:
            raise StorageFull(f"a result of {len(content)} bytes, allowed are {self._max_bytes}")
        self._forget(key)
        now = self._clock()
        for old in [old for old, kept in self._kept.items() if kept.until_s <= now]:
            self._forget(old)
        self._make_room(len(content))
        self._kept[key] = _Kept(content, now + ttl_s)
        self._size += len(content)

    async def get(self, key: str) -> bytes | None:
        """The bytes while they live."""
        kept = self._kept.get(key)
        return kept.content if kept is not None and kept.until_s > self._clock() else None

    async def touch(self, keys: Sequence[str], ttl_s: float) -> None:
        """See ResultStore."""
        now = self._clock()
        for key in keys:
            kept = self._kept.get(key)
            if kept is not None and kept.until_s > now:
                self._kept[key] = replace(kept, until_s=now + ttl_s)

    async def delete(self, *keys: str) -> None:
        """Forget."""
        for key in keys:
            self._forget(key)

    async def close(self) -> None:
        """Nothing to let go of."""

    def _make_room(self, num_bytes: int) -> None:
        """Drop the oldest results, if that is enough, and else nothing."""
        missing, victims = self._size + num_bytes - self._max_bytes, []
        for key, kept in self._kept.items():
            if missing <= 0:
                break
            if not is_input(key):
                victims.append(key)
                missing -= len(kept.content)
        if missing > 0:
            raise StorageFull(f"{num_bytes} bytes have no room beside the input images of waiting jobs")
        for key in victims:
            self._forget(key)

    def _forget(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= len(kept.content)
