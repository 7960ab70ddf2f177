"""Input images go through either store, and through a job's JSON, to whoever takes the job."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from server.jobs.payload import job_from_json, job_to_json
from server.redis_link import open_redis, read_address
from server.request import InputKeys
from server.results.inputs import fetch_inputs, forget_inputs, input_keys, keep_inputs
from server.results.interface import ResultStore
from server.results.memory import MemoryResults
from server.results.redis import RedisResults
from tests.jobs.contract.base import job
from tests.redis_server import RedisServer, redis_server

FILES = {"a/in/0": b"\x89PNG\0first", "a/in/1": b"second" * 100_000, "a/in/mask": b"mask"}
EDIT = replace(job("a").request, inputs=InputKeys(("a/in/0", "a/in/1"), "a/in/mask", 0.5))


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server(appendonly="no") as server:
        yield server


@contextlib.asynccontextmanager
async def store_of(kind: str, redis: RedisServer) -> AsyncIterator[ResultStore]:
    in_memory = MemoryResults(lambda: 0.0)
    store = in_memory if kind == "memory" else RedisResults(open_redis(read_address(redis.url), max_connections=2))
    yield store
    await store.close()


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_what_is_kept_is_fetched_by_the_job_s_json_until_it_is_forgotten(kind: str, redis: RedisServer) -> None:
    async def scenario() -> None:
        async with store_of(kind, redis) as results:
            await keep_inputs(results, FILES, 60.0)
            taken = job_from_json(job_to_json(replace(job("a"), request=EDIT)))
            assert taken.request == EDIT
            assert await fetch_inputs(results, taken.request) == FILES
            await results.delete("a/in/1")
            assert await fetch_inputs(results, taken.request) is None, "with one gone there is no edit"
            await forget_inputs(results, taken.request)
            await forget_inputs(results, taken.request)
            assert [await results.get(key) for key in FILES] == [None, None, None]

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_a_generation_has_none(kind: str, redis: RedisServer) -> None:
    async def scenario() -> None:
        async with store_of(kind, redis) as results:
            assert input_keys(job("a").request) == ()
            assert await fetch_inputs(results, job("a").request) == {}
            await forget_inputs(results, job("a").request)

    asyncio.run(scenario())
