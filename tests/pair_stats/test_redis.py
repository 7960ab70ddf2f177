"""Figures of pairs in a real Redis keep the contract, within a bounded number of keys."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from server.errors import StorageUnreachable
from server.pair_stats.interface import FinishedJob, PairStats
from server.pair_stats.redis import LIFE_S, RedisPairStats
from server.redis_link import open_redis, read_address
from tests.pair_stats.contract import COUNTS, ONE, PairStatsContract, key
from tests.redis_server import RedisServer, redis_server


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[RedisServer]:
    with redis_server(appendonly="no") as server:
        TestRedisPairStats.server = server
        yield server


class TestRedisPairStats(PairStatsContract):
    server: RedisServer
    client: Any

    async def make(self, listed: int) -> PairStats:
        self.client = open_redis(read_address(self.server.url), max_connections=2)
        await self.client.flushall()
        return RedisPairStats(self.client, listed=listed)

    async def done(self, stats: PairStats) -> None:
        await self.client.aclose()

    def test_since_is_when_the_counting_began_on_redis_own_clock(self) -> None:
        assert abs(self.reported(key(1)).since_s - time.time()) < 60

    def test_the_keys_are_bounded_by_the_list(self) -> None:
        async def scenario(stats: PairStats) -> None:
            for number in range(100):
                await stats.record(FinishedJob(ONE, key(number), (COUNTS,), 1.0))
            keys = await self.client.keys("*")
            assert len(keys) == 2 * (8 + 3)
            assert all([0 < await self.client.ttl(each) <= LIFE_S for each in keys])

        self.run(scenario, listed=8)

    def test_two_processes_count_into_one_list(self) -> None:
        async def scenario(stats: PairStats) -> None:
            async with open_redis(read_address(self.server.url), 1, text=True) as client:
                other = RedisPairStats(client)
                for each in (stats, other):
                    await each.record(FinishedJob(ONE, key(1), (COUNTS,), 1.0))
                assert (await stats.report()) == (await other.report())
                assert (await other.report()).pairs[0][1].count == 2

        self.run(scenario)


def test_a_redis_that_is_gone_holds_up_no_job_and_is_said_plainly_to_who_asks() -> None:
    async def ask() -> None:
        async with open_redis(read_address("redis://127.0.0.1:9/0"), 1) as client:
            stats = RedisPairStats(client)
            await stats.record(FinishedJob(ONE, key(1), (COUNTS,), 1.0))
            with pytest.raises(StorageUnreachable):
                await stats.report()

    asyncio.run(ask())
