"""Results in memory keep the contract, within a bound."""

import asyncio

import pytest

from server.errors import StorageFull
from server.results.inputs import input_key, keep_inputs
from server.results.interface import ResultStore
from server.results.memory import MemoryResults
from tests.results.contract import ResultsContract


class Clock:
    """Time that passes when told to."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class TestMemoryResults(ResultsContract):
    async def make(self) -> ResultStore:
        self.clock = Clock()
        return MemoryResults(self.clock)

    async def let_pass(self, seconds: float) -> None:
        self.clock.now_s += seconds


def test_the_oldest_results_make_room_for_new_ones() -> None:
    async def scenario() -> None:
        results = MemoryResults(Clock(), max_bytes=10)
        for key in "abc":
            await results.put(key, b"xxxx", 10)
        assert [await results.get(key) for key in "abc"] == [None, b"xxxx", b"xxxx"]

    asyncio.run(scenario())


def test_a_result_over_the_bound_is_refused_and_drives_nothing_out() -> None:
    async def scenario() -> None:
        results = MemoryResults(Clock(), max_bytes=10)
        await results.put("a", b"xxxx", 10)
        with pytest.raises(StorageFull, match="11 bytes, allowed are 10"):
            await results.put("big", b"x" * 11, 10)
        assert await results.get("a") == b"xxxx"

    asyncio.run(scenario())


def test_results_past_their_life_are_forgotten_when_new_ones_come() -> None:
    async def scenario() -> None:
        clock = Clock()
        results = MemoryResults(clock, max_bytes=10)
        await results.put("old", b"xxxx", 1)
        await results.put("young", b"xxxx", 100)
        clock.now_s = 2.0
        await results.put("new", b"xxxx", 100)
        assert await results.get("young") == b"xxxx"

    asyncio.run(scenario())


def test_the_input_images_of_waiting_jobs_make_room_for_nobody() -> None:
    async def scenario() -> None:
        results = MemoryResults(Clock(), max_bytes=12)
        files = {input_key("a", 0): b"xxxx", input_key("a", "mask"): b"xxxx"}
        await keep_inputs(results, files, 100)
        await results.put("old", b"xxxx", 100)
        await results.put("new", b"xxxx", 100)
        assert await results.get("old") is None
        with pytest.raises(StorageFull, match="8 bytes have no room beside the input images"):
            await results.put("large", b"xxxxxxxx", 100)
        assert await results.get("new") == b"xxxx", "nothing is dropped in vain"
        assert [await results.get(key) for key in files] == [b"xxxx", b"xxxx"]

    asyncio.run(scenario())


def test_input_images_are_kept_whole_or_not_at_all() -> None:
    async def scenario() -> None:
        results = MemoryResults(Clock(), max_bytes=10)
        files = {input_key("a", 0): b"xxxxxx", input_key("a", "mask"): b"xxxxxx"}
        with pytest.raises(StorageFull):
            await keep_inputs(results, files, 100)
        assert [await results.get(key) for key in files] == [None, None]

    asyncio.run(scenario())
