"""Buckets in a real Redis keep the contract, for all processes together, and go when they are full."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from server.access.caller import Caller, Limits
from server.access.rates import Rates
from server.access.rates_redis import PREFIX, RedisRates
from server.errors import RateLimited, StorageUnreachable
from server.redis_link import open_redis
from tests.access.rates_contract import KEY, RatesContract
from tests.jobs.redis_process import RedisProcess


@pytest.fixture(scope="module", autouse=True)
def redis() -> Iterator[RedisProcess]:
    process = RedisProcess(fake_clock=True)
    try:
        TestRedisRates.redis = process.start()
        yield process
    finally:
        process.stop()


class TestRedisRates(RatesContract):
    redis: RedisProcess
    client: Any

    async def make(self) -> Rates:
        self.client = open_redis(self.redis.address, 1)
        await self.client.flushall()
        return RedisRates(self.client)

    async def done(self) -> None:
        await self.client.aclose()

    def pass_s(self, seconds: float) -> None:
        self.redis.pass_s(seconds)

    def test_two_processes_spend_from_one_bucket(self) -> None:
        async def scenario(rates: Rates) -> None:
            async with open_redis(self.redis.address, 1, text=True) as client:
                other = RedisRates(client)
                await rates.spend(KEY, 2.0)
                await other.spend(KEY, 2.0)
                for each in (rates, other):
                    with pytest.raises(RateLimited):
                        await each.spend(KEY, 2.0)

        self.run(scenario)

    def test_a_bucket_that_is_full_again_is_forgotten(self) -> None:
        async def scenario(rates: Rates) -> None:
            async with open_redis(self.redis.address, 1) as client:
                await rates.spend(KEY, 14.0)
                assert 6900 < await client.pttl(PREFIX + KEY.key_id) <= 7001
                await rates.refund(KEY, 14.0)
                assert await client.pttl(PREFIX + KEY.key_id) <= 1

        self.run(scenario)


def test_without_redis_a_rate_cannot_be_spent_and_a_key_without_one_is_not_held_up() -> None:
    process = RedisProcess()
    try:
        address = process.start().address
        process.kill()

        async def scenario() -> None:
            async with open_redis(address, 1) as client:
                rates = RedisRates(client)
                with pytest.raises(StorageUnreachable):
                    await rates.spend(KEY, 1.0)
                await rates.refund(KEY, 1.0)
                await rates.spend(Caller("free", "t", limits=Limits(max_steps=3)), 1.0)

        asyncio.run(scenario())
    finally:
        process.stop()
