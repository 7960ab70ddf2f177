"""The queue and the results store of one process, both in Redis."""

from dataclasses import dataclass

from server.app import new_id
from server.jobs.bull.queue import RedisQueue
from server.jobs.terms import QueueTerms
from server.redis_link import RedisAddress, check_redis, open_redis, read_address
from server.results.redis import RedisResults
from server.settings import Settings

RESULT_CONNECTIONS = 4
"""The queue's clients hold the others of the sixteen that a process may have."""


@dataclass(frozen=True)
class Stores:
    """``addresses`` are those of queue and results, printable."""

    queue: RedisQueue
    results: RedisResults
    addresses: tuple[RedisAddress, RedisAddress]

    async def check(self) -> None:
        """Warn of unsafe settings. Raises StartupError where a password is refused; who is not there may come."""
        for address in dict.fromkeys(self.addresses):
            async with open_redis(address, 1) as client:
                await check_redis(client, address)

    async def close(self) -> None:
        """Close all connections."""
        await self.queue.close()
        await self.results.close()


def open_stores(settings: Settings) -> Stores:
    """Nothing is connected yet. Raises SettingsError for a wrong address."""
    queue = read_address(settings.redis, settings.redis_password_file)
    results = read_address(settings.results_redis or settings.redis, settings.redis_password_file)
    terms = QueueTerms(lease_ms=round(1000 * settings.lease_s))
    return Stores(
        RedisQueue(queue, new_id, terms),
        RedisResults(open_redis(results, RESULT_CONNECTIONS)),
        (queue, results),
    )
