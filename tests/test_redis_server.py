"""The Redis of the tests is a real one, and can be hurt."""

import asyncio

import pytest
import redis
from redis.asyncio import Redis

from tests.redis_server import redis_server


def test_it_keeps_what_was_acknowledged_when_it_is_killed_and_started_again() -> None:
    with redis_server(appendfsync="always") as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("a", "kept")
        server.kill()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("a") == b"kept"


def test_a_frozen_one_takes_connections_and_answers_when_it_is_thawed() -> None:
    with redis_server() as server, redis.Redis.from_url(server.url, socket_timeout=0.2, retry=None) as client:
        server.freeze()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        server.thaw()
        assert client.ping()


def test_a_password_is_asked_for() -> None:
    async def scenario(url: str, port: int) -> None:
        async with Redis.from_url(url) as client:
            assert await client.ping()
        async with Redis(port=port) as stranger:
            with pytest.raises(redis.AuthenticationError):
                await stranger.ping()

    with redis_server(requirepass="secret") as server:
        asyncio.run(scenario(server.url, server.port))
