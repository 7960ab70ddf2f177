"""The address of a Redis is checked once, its password is never shown, and its settings are looked at."""

import asyncio
import logging
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError, ResponseError

from server.cluster.stores import open_stores
from server.errors import SettingsError, StartupError, StorageFull
from server.redis_link import check_redis, open_redis, plain_errors, read_address, warnings_of
from tests.live import settings_for_tests
from tests.redis_server import free_port, redis_server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://secret@host",
        "redis://",
        "redis://:secret@:6379",
        "redis://:secret@host:port",
        "redis://:secret@host:0",
        "redis://:secret@host:99999",
        "redis://:secret@host/jobs",
        "redis://[:secret@host",
        "unix://",
    ],
)
def test_a_wrong_url_is_one_line_without_its_secrets(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_address(url)
    assert "secret" not in caught.value.message and "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host", "redis://host:6379"),
        ("redis://user:secret@host:7000/2", "redis://host:7000/2"),
        ("rediss://:secret@[::1]:7000/", "rediss://[::1]:7000/"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_an_address_is_printed_without_its_secrets(url: str, shown: str) -> None:
    address = read_address(url)
    assert str(address) == shown
    assert "secret" not in repr(address)


def test_a_password_is_read_from_a_file_unless_the_url_has_one(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("of@the/file\n")
    assert read_address("redis://host/1", str(file)).url == "redis://:of%40the%2Ffile@host/1"
    assert read_address("redis://user@host", str(file)).url == "redis://user:of%40the%2Ffile@host"
    assert read_address("redis://:own@host", str(file)).url == "redis://:own@host"
    assert "file" not in str(read_address("redis://host", str(file)))
    with pytest.raises(SettingsError, match="missing' cannot be read"):
        read_address("redis://host", str(tmp_path / "missing"))


def test_the_password_of_a_file_opens_redis_and_a_wrong_one_is_a_startup_error(tmp_path: Path) -> None:
    async def scenario(url: str) -> None:
        for content, is_right in (("secret", True), ("wrong secret", False), (None, False)):
            file = tmp_path / "password"
            file.write_text(content or "")
            address = read_address(url, str(file) if content else "")
            async with open_redis(address, 1) as client:
                if is_right:
                    await check_redis(client, address)
                    continue
                with pytest.raises(StartupError, match="password") as caught:
                    await check_redis(client, address)
                assert "secret" not in caught.value.message

    with redis_server(requirepass="secret") as server:
        asyncio.run(scenario(f"redis://127.0.0.1:{server.port}"))


def test_a_redis_that_is_not_there_yet_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        address = read_address(f"redis://127.0.0.1:{free_port()}")
        async with open_redis(address, 1) as client:
            await check_redis(client, address)

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert "cannot be reached yet" in caplog.text


def test_a_redis_that_may_lose_jobs_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(url: str) -> None:
        address = read_address(url)
        async with open_redis(address, 1) as client:
            await check_redis(client, address)

    with caplog.at_level(logging.WARNING):
        with redis_server() as server:
            asyncio.run(scenario(server.url))
        assert not caplog.records
        with redis_server(appendonly="no", **{"maxmemory-policy": "allkeys-lru"}) as server:
            asyncio.run(scenario(server.url))
    assert "appendonly is off" in caplog.text and "maxmemory-policy is allkeys-lru" in caplog.text


IN_A_SCRIPT = "Error running script (call to f_e922a23ecd6): @user_script:96: @user_script: 96: -"
"""How Redis 6.2 begins; from 7.0 on the word itself comes first, as outside of scripts."""


@pytest.mark.parametrize("begins", ["", IN_A_SCRIPT], ids=["7.0", "6.2"])
@pytest.mark.parametrize("word", ["OOM", "MISCONF", "READONLY", "NOREPLICAS"])
def test_a_refused_write_is_a_full_store_and_nothing_else_is(begins: str, word: str) -> None:
    async def scenario() -> None:
        with pytest.raises(StorageFull), plain_errors():
            raise ResponseError(f"{begins}{word} command not allowed when used memory > 'maxmemory'.")
        with pytest.raises(ResponseError), plain_errors():
            raise ResponseError(f"{begins}ERR wrong number of arguments, not {word}")

    asyncio.run(scenario())


def test_a_redis_that_has_images_alone_needs_no_file_but_may_not_evict(caplog: pytest.LogCaptureFixture) -> None:
    assert warnings_of({"aof_enabled": 0, "maxmemory_policy": "noeviction"}, has_jobs=False) == []
    (evicts,) = warnings_of({"aof_enabled": 0, "maxmemory_policy": "allkeys-lru"}, has_jobs=False)
    assert "images" in evicts and "jobs" not in evicts

    async def scenario(queue: str, results: str) -> None:
        stores = open_stores(settings_for_tests(redis=queue, results_redis=results), lambda end: None)
        await stores.check()
        await stores.close()

    with caplog.at_level(logging.WARNING), redis_server() as queue, redis_server(appendonly="no") as results:
        asyncio.run(scenario(queue.url, results.url))
        assert not caplog.records
        asyncio.run(scenario(results.url, queue.url))
    assert "appendonly is off" in caplog.text


def test_a_server_without_the_fields_is_not_guessed_at() -> None:
    assert warnings_of({"aof_enabled": 1}) == []


def test_whoever_waits_for_a_connection_is_served_before_those_who_come_later() -> None:
    async def scenario(url: str) -> None:
        served: list[str] = []
        async with open_redis(read_address(url), 1) as client:
            pool = client.connection_pool

            async def ask(name: str) -> None:
                await pool.release(await pool.get_connection())
                served.append(name)

            held = await pool.get_connection()
            waiting = [asyncio.create_task(ask(name)) for name in "abc"]
            await asyncio.sleep(0)
            await pool.release(held)
            await ask("later")
            await asyncio.gather(*waiting)
        assert served == ["a", "b", "c", "later"]

    with redis_server() as server:
        asyncio.run(scenario(server.url))


def test_a_connection_that_fails_or_is_given_up_leaves_its_place_to_the_next() -> None:
    async def scenario(url: str, nobody: str) -> None:
        async with open_redis(read_address(nobody), 1) as client:
            for _ in range(3):
                with pytest.raises(ConnectionError):
                    await client.ping()
        async with open_redis(read_address(url), 1) as client:
            pool = client.connection_pool
            held = await pool.get_connection()
            waiting = asyncio.create_task(pool.get_connection())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await pool.release(held)
            assert await client.ping()

    with redis_server() as server:
        asyncio.run(scenario(server.url, f"redis://127.0.0.1:{free_port()}"))
