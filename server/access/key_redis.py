"""API keys in Redis, which every API process of a cluster reads."""

import asyncio
import hmac
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from server.access.key import ApiKey, digest
from server.access.key_file import entry_of, key_from
from server.errors import NotReady, SettingsError
from server.redis_link import RedisAddress, open_redis, plain_errors

KEYS = "h2serve:keys"
"""A hash: the key's SHA-256 to its JSON object."""
LOOK_EACH_S = 2.0
log = logging.getLogger(__name__)


@dataclass
class RedisKeyStore:
    """Implements ``KeyStore``. ``clock`` gives monotonic seconds.

    All keys are read at once each two seconds in which somebody calls, over a connection of its own:
    made-up keys cost Redis nothing. While it is away the keys stay as they were: no work can be taken then anyway.
    """

    address: RedisAddress
    clock: Callable[[], float]
    _keys: dict[str, ApiKey] | None = None
    _looked_s: float = 0.0
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, secret: str) -> ApiKey | None:
        """See KeyStore. Raises NotReady where the keys were never read."""
        wanted = digest(secret)
        key = (await self._current()).get(wanted)
        return key if key is not None and hmac.compare_digest(key.sha256, wanted) else None

    async def _current(self) -> dict[str, ApiKey]:
        if self._keys is not None and self.clock() - self._looked_s < LOOK_EACH_S:
            return self._keys
        async with self._reading:
            if self._keys is None or self.clock() - self._looked_s >= LOOK_EACH_S:
                self._looked_s = self.clock()
                try:
                    async with open_redis(self.address, 1, text=True) as client:
                        self._keys = {key.sha256: key for key in await read_keys(client)}
                except (NotReady, SettingsError) as error:
                    if self._keys is None:
                        raise NotReady("the API keys cannot be read yet") from error
                    log.error("the keys stay as they were: %s", error.message)
            return self._keys


async def read_keys(client: Any) -> list[ApiKey]:
    """All keys, the oldest first. Raises NotReady, and SettingsError where one is not of ``h2serve keys``."""
    with plain_errors():
        entries = await client.hvals(KEYS)
    try:
        return sorted((key_from(json.loads(entry)) for entry in entries), key=lambda key: key.created_s)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError(f"{KEYS} has a key that is not of `h2serve keys`: {type(error).__name__}") from error


async def add_key(client: Any, key: ApiKey) -> None:
    """Add one. Raises NotReady."""
    with plain_errors():
        await client.hset(KEYS, key.sha256, json.dumps(entry_of(key)))


async def remove_keys(client: Any, keys: Sequence[ApiKey]) -> None:
    """Remove them, whether or not they are there. Raises NotReady."""
    with plain_errors():
        await client.hdel(KEYS, *(key.sha256 for key in keys))
