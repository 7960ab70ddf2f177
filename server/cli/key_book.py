"""Where ``h2serve keys`` keeps keys: a file, or a Redis."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from server.access import key_file, key_redis
from server.access.key import ApiKey
from server.redis_link import open_redis, read_address

T = TypeVar("T")


class KeyBook(Protocol):
    """Reads and changes the keys that a server is told of by ``--keys``."""

    def all(self) -> list[ApiKey]:
        """The oldest first."""
        ...

    def add(self, key: ApiKey) -> None:
        """One more."""
        ...

    def remove(self, key: ApiKey) -> None:
        """One less."""
        ...


@dataclass(frozen=True)
class FileBook:
    """Keys in a JSON file, which ``add`` makes where there is none."""

    path: Path

    def all(self) -> list[ApiKey]:
        """See KeyBook."""
        return key_file.read_keys(self.path)

    def add(self, key: ApiKey) -> None:
        """See KeyBook."""
        key_file.write_keys(self.path, [*(self.all() if self.path.exists() else ()), key])

    def remove(self, key: ApiKey) -> None:
        """See KeyBook."""
        key_file.write_keys(self.path, [one for one in self.all() if one != key])


@dataclass(frozen=True)
class RedisBook:
    """Keys in a Redis."""

    url: str
    password_file: str = ""

    def all(self) -> list[ApiKey]:
        """See KeyBook."""
        return self._with(key_redis.read_keys)

    def add(self, key: ApiKey) -> None:
        """See KeyBook."""
        self._with(lambda client: key_redis.add_key(client, key))

    def remove(self, key: ApiKey) -> None:
        """See KeyBook."""
        self._with(lambda client: key_redis.remove_keys(client, [key]))

    def _with(self, act: Callable[[Any], Awaitable[T]]) -> T:
        async def whole() -> T:
            async with open_redis(read_address(self.url, self.password_file), 1, text=True) as client:
                return await act(client)

        return asyncio.run(whole())


def open_book(where: str, password_file: str) -> KeyBook:
    """By a Redis URL or a file's name."""
    return RedisBook(where, password_file) if "://" in where else FileBook(Path(where))
