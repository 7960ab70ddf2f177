"""The queue, the results store and what stands beside them of one process, all in Redis."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.access.rates_redis import RedisRates
from server.errors import SettingsError
from server.jobs.bull.queue import RedisQueue
from server.jobs.event import JobState
from server.jobs.terms import QueueTerms
from server.new_id import new_id
from server.pair_stats.redis import RedisPairStats
from server.redis_link import RedisAddress, check_redis, open_redis, read_address
from server.results.redis import RedisResults
from server.settings import Settings
from server.webhooks.outbox_redis import RedisOutbox

RESULT_CONNECTIONS, SIDE_CONNECTIONS = 3, 1
"""The queue's clients hold the others of the sixteen that a process may have."""


@dataclass(frozen=True)
class Stores:
    """``addresses`` are those of queue and results, printable; ``side_client`` serves what is small."""

    queue: RedisQueue
    results: RedisResults
    pair_stats: RedisPairStats
    rates: RedisRates
    outbox: RedisOutbox
    side_client: Any
    addresses: tuple[RedisAddress, RedisAddress]

    async def check(self) -> None:
        """Warn of unsafe settings. Raises StartupError where a password is refused; who is not there may come."""
        queue, _ = self.addresses
        for address in dict.fromkeys(self.addresses):
            async with open_redis(address, 1) as client:
                await check_redis(client, address, has_jobs=address == queue)

    async def close(self) -> None:
        """Close all connections."""
        await self.queue.close()
        await self.results.close()
        await self.side_client.aclose()


def open_stores(settings: Settings, on_end: Callable[[JobState], None]) -> Stores:
    """Nothing is connected yet. ``on_end`` is told of the jobs that this process ends. Raises SettingsError."""
    queue = queue_address(settings)
    results = read_address(settings.results_redis or settings.redis, settings.redis_password_file)
    terms = QueueTerms(
        lease_ms=round(1000 * settings.lease_s),
        patience_ms=round(1000 * settings.patience_s),
        disk_ms=math.ceil(1000 * settings.disk_wait_s),
    )
    side_client = open_redis(queue, SIDE_CONNECTIONS)
    return Stores(
        RedisQueue(queue, new_id, terms, on_end=on_end),
        RedisResults(open_redis(results, RESULT_CONNECTIONS)),
        RedisPairStats(side_client),
        RedisRates(side_client),
        RedisOutbox(side_client, settings.lease_s),
        side_client,
        (queue, results),
    )


def queue_address(settings: Settings) -> RedisAddress:
    """Where the queue is. Raises SettingsError."""
    if not settings.redis:
        raise SettingsError("no queue is named, allowed is --redis redis://HOST:PORT/DB or H2SERVE_REDIS")
    return read_address(settings.redis, settings.redis_password_file)
