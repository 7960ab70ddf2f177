"""Letters in Redis, so that a later or another process tells what its accepting process no longer can."""

import asyncio
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from server.redis_link import plain_errors
from server.webhooks.outbox import Letter

PREFIX = "h2serve:{webhooks}:"
"""Under it ``held``, jobs' ids by when their holding ends, and ``letter:<id>``."""
LIFE_S = 7 * 24 * 3600
"""Of a letter that nobody ever takes over, since webhooks were switched off."""
ROUNDS = 5
"""In the time after which a holder is taken for dead."""
MOST = 64
"""Letters that a process takes over in one round."""


@dataclass(frozen=True)
class RedisOutbox:
    """Implements ``Outbox``. ``client`` is a redis.asyncio client, of bytes or text; its owner closes it.

    Who has not renewed for ``hold_s`` seconds, on Redis' clock, holds nothing any more. One call at a time: who
    comes with many others waits here, not for a connection, which has a time limit.
    """

    client: Any
    hold_s: float
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def round_s(self) -> float:
        """See Outbox."""
        return self.hold_s / ROUNDS

    async def hold(self, letter: Letter) -> None:
        """See Outbox."""
        body = None if letter.body is None else letter.body.decode("ascii")
        text = json.dumps({"url": letter.url, "body": body})
        await self._run("hold", self._hold_ms, 1000 * LIFE_S, letter.job_id, text)

    async def renew(self, job_ids: Collection[str]) -> None:
        """See Outbox."""
        if job_ids:
            await self._run("renew", self._hold_ms, *job_ids)

    async def release(self, job_ids: Collection[str]) -> None:
        """See Outbox."""
        if job_ids:
            await self._run("renew", 0, *job_ids)

    async def take_over(self) -> list[Letter]:
        """See Outbox."""
        return [_letter(*found) for found in await self._run("take_over", self._hold_ms, MOST)]

    async def drop(self, job_id: str) -> None:
        """See Outbox."""
        async with self._one_at_a_time, self.client.pipeline(transaction=True) as pipeline:
            pipeline.zrem(f"{PREFIX}held", job_id)
            pipeline.delete(f"{PREFIX}letter:{job_id}")
            with plain_errors():
                await pipeline.execute()

    @property
    def _hold_ms(self) -> int:
        return round(1000 * self.hold_s)

    async def _run(self, name: str, *args: str | int) -> Any:
        script = self.client.register_script((files("server.webhooks") / "scripts" / f"{name}.lua").read_text())
        async with self._one_at_a_time:
            with plain_errors():
                return await script(keys=[PREFIX], args=args)


def _letter(job_id: bytes | str, text: bytes | str) -> Letter:
    """What ``hold`` wrote."""
    name = job_id.decode() if isinstance(job_id, bytes) else job_id
    said = json.loads(text)
    return Letter(name, said["url"], None if said["body"] is None else said["body"].encode("ascii"))
