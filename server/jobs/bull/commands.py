"""How a step of the queue is run on Redis: as one script, kept on disk where that is asked for."""

from collections.abc import Awaitable
from typing import Any, TypeVar

from redis.asyncio import Redis

from server.errors import StorageUnreachable
from server.jobs.bull.scripts import load_scripts
from server.jobs.terms import QueueTerms
from server.redis_link import plain_errors

T = TypeVar("T")


class Commands:
    """Runs scripts/ over one client. Raises StorageUnreachable and StorageFull."""

    def __init__(self, client: Redis, base: str, terms: QueueTerms) -> None:
        self._client, self._disk_ms = client, terms.disk_ms
        self.scripts = load_scripts(client, base, terms)

    async def run(self, name: str, args: dict[str, Any], *more: str) -> Any:
        """One step and its answer."""
        return await answered(self.scripts.run(name, args, *more))

    async def run_to_disk(self, name: str, args: dict[str, Any], *more: str) -> Any:
        """As ``run``, but answered when it is on disk. Raises StorageUnreachable when that takes too long."""
        if not self._disk_ms:
            return await self.run(name, args, *more)
        with plain_errors():
            # On one connection: WAITAOF waits for what was written over its own.
            async with self._client.pipeline(transaction=False) as pipeline:
                await self.scripts.run(name, args, *more, client=pipeline)
                pipeline.execute_command("WAITAOF", 1, 0, self._disk_ms)
                answer, written = await pipeline.execute(raise_on_error=False)
            if isinstance(answer, Exception):
                raise answer
        if isinstance(written, Exception):
            raise StorageUnreachable(f"Redis does not wait for its disk: {str(written)[:100]}")
        if not written[0]:
            raise StorageUnreachable("the job is not on Redis' disk yet")
        return answer


async def answered(command: Awaitable[T]) -> T:
    """The answer of a command of any kind, its errors as ours."""
    with plain_errors():
        return await command
