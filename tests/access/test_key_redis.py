"""Keys in a real Redis: seen by every server in time, and kept while Redis is away."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from server.access.key_redis import KEYS, RedisKeyStore, add_key, read_keys, remove_keys
from server.access.store import SEEN_WITHIN_S
from server.engine.fake import InstantEngine
from server.errors import NotReady, SettingsError
from server.redis_link import open_redis, read_address
from tests.access.test_key_file import key_of
from tests.cli.test_commands import code_of, run
from tests.live import live_server
from tests.redis_server import RedisServer, redis_server


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server(appendonly="no") as server:
        yield server


def test_what_is_added_or_revoked_is_seen_in_time_and_strangers_cost_nothing(redis: RedisServer) -> None:
    async def scenario() -> None:
        now_s = 0.0
        async with open_redis(read_address(redis.url), 2, text=True) as client:
            await client.flushall()
            store = RedisKeyStore(read_address(redis.url), lambda: now_s)
            await add_key(client, key_of("one"))
            assert await store.find("one") == key_of("one")
            asked = (await client.info("commandstats"))["cmdstat_hvals"]["calls"]
            assert not any([await store.find(str(number)) for number in range(100)])
            assert (await client.info("commandstats"))["cmdstat_hvals"]["calls"] == asked
            await add_key(client, key_of("two", "k2"))
            await remove_keys(client, [key_of("one")])
            now_s = SEEN_WITHIN_S
            assert await store.find("one") is None
            assert await store.find("two") is not None
            await client.hset(KEYS, "x", json.dumps({"id": "SECRETHASH"}))
            now_s = 2 * SEEN_WITHIN_S
            assert await store.find("two") is not None
            with pytest.raises(SettingsError) as refused:
                await read_keys(client)
            assert "SECRETHASH" not in refused.value.message
            await client.flushall()

    asyncio.run(scenario())


def test_while_redis_is_away_the_keys_stay_and_without_any_the_server_is_not_ready() -> None:
    async def scenario(server: RedisServer) -> None:
        now_s = 0.0
        async with open_redis(read_address(server.url), 2, text=True) as client:
            store = RedisKeyStore(read_address(server.url), lambda: now_s)
            await add_key(client, key_of("one"))
            assert await store.find("one") is not None
            server.kill()
            now_s = SEEN_WITHIN_S
            assert await store.find("one") is not None
            with pytest.raises(NotReady):
                await RedisKeyStore(read_address(server.url), lambda: 0.0).find("one")

    with redis_server(appendonly="no") as server:
        asyncio.run(scenario(server))


def test_the_commands_and_a_server_share_the_keys(redis: RedisServer, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--keys", redis.url)
    run("keys", "add", "--tenant", "lab", "--json", *where)
    made = json.loads(capsys.readouterr().out)
    with live_server(InstantEngine, keys=redis.url) as client:
        assert client.get("/v1/models", headers={"x-key": made["key"]}).status_code == 200
        assert client.get("/v1/models", headers={"x-key": "other"}).status_code == 401
    run("keys", "list", "--json", *where)
    assert made["id"] in [key["id"] for key in json.loads(capsys.readouterr().out)]
    run("keys", "revoke", made["id"], *where)
    assert code_of("keys", "revoke", made["id"], *where) == 2
    capsys.readouterr()
    run("keys", "list", "--json", *where)
    assert made["id"] not in capsys.readouterr().out


def test_before_the_keys_could_be_read_every_closed_path_is_a_503() -> None:
    with live_server(InstantEngine, keys="redis://127.0.0.1:1/0") as client:
        refused = client.get("/v1/models", headers={"x-key": "one"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")
        assert client.get("/v1/models").status_code == 401
        assert client.get("/livez").status_code == 200


def test_a_redis_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("keys", "list", "--keys", "redis://127.0.0.1:1/0") == 3
    assert capsys.readouterr().err == "h2serve: Redis cannot be reached\n"
    assert code_of("keys", "list", "--keys", "http://127.0.0.1") == 2
    assert "scheme" in capsys.readouterr().err
