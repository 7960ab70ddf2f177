"""Results in a real Redis keep the contract, and say plainly when it is full or gone."""

import asyncio
from collections.abc import Iterator

import pytest

from server.errors import StorageFull, StorageUnreachable
from server.redis_link import open_redis, read_address
from server.results.interface import ResultStore
from server.results.redis import PREFIX, RedisResults
from tests.redis_server import RedisServer, redis_server
from tests.results.contract import ResultsContract


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[RedisServer]:
    with redis_server(appendonly="no") as server:
        TestRedisResults.server = server
        yield server


def store_at(server: RedisServer) -> RedisResults:
    return RedisResults(open_redis(read_address(server.url), max_connections=2))


class TestRedisResults(ResultsContract):
    server: RedisServer

    async def make(self) -> ResultStore:
        async with open_redis(read_address(self.server.url), 1) as client:
            await client.flushall()
        return store_at(self.server)

    async def let_pass(self, seconds: float) -> None:
        """Take the seconds off what every key has left; 0 or less deletes it, as its time would."""
        async with open_redis(read_address(self.server.url), 1) as client:
            for key in await client.keys("*"):
                await client.pexpire(key, await client.pttl(key) - round(1000 * seconds))


def test_every_key_is_under_the_prefix_and_has_an_end_of_life(server: RedisServer) -> None:
    async def scenario() -> None:
        store = store_at(server)
        async with open_redis(read_address(server.url), 1) as client:
            await client.flushall()
            await store.put("job/0/token", b"image", 60)
            assert await client.keys("*") == [f"{PREFIX}job/0/token".encode()]
            assert 0 < await client.pttl(f"{PREFIX}job/0/token") <= 60_000
        await store.close()

    asyncio.run(scenario())


def test_a_full_redis_is_told_from_one_that_is_gone() -> None:
    async def scenario(server: RedisServer) -> None:
        store = store_at(server)
        await store.put("small", b"image", 60)
        with pytest.raises(StorageFull):
            for i in range(8):
                await store.put(f"big-{i}", b"x" * 2**20, 60)
        assert await store.get("small") == b"image"
        server.kill()
        with pytest.raises(StorageUnreachable):
            await store.get("small")
        server.start()
        assert await store.get("small") is None
        await store.put("small", b"again", 60)
        assert await store.get("small") == b"again"
        await store.close()

    with redis_server(maxmemory="6mb", appendonly="no") as server:
        asyncio.run(scenario(server))


def test_a_frozen_redis_is_given_up_after_the_time_out() -> None:
    async def scenario(server: RedisServer) -> None:
        store = store_at(server)
        await store.put("a", b"image", 60)
        server.freeze()
        with pytest.raises(StorageUnreachable):
            async with asyncio.timeout(15):
                await store.get("a")
        server.thaw()
        assert await store.get("a") == b"image"
        await store.close()

    with redis_server() as server:
        asyncio.run(scenario(server))
