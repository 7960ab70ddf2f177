"""Results live for their time, within a bound."""

import asyncio

import pytest

from server.results.memory import MemoryResults


class Clock:
    """Time that passes when told to."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_result_is_there_until_its_life_is_over() -> None:
    async def scenario() -> None:
        clock = Clock()
        results = MemoryResults(clock)
        await results.put("a", b"image", ttl_s=10)
        clock.now_s = 9.9
        assert await results.get("a") == b"image"
        clock.now_s = 10.0
        assert await results.get("a") is None

    asyncio.run(scenario())


def test_a_deleted_result_is_gone_and_deleting_twice_is_fine() -> None:
    async def scenario() -> None:
        results = MemoryResults(Clock())
        await results.put("a", b"image", 10)
        await results.delete("a")
        await results.delete("a")
        assert await results.get("a") is None

    asyncio.run(scenario())


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
        with pytest.raises(ValueError, match="11 bytes, allowed are 10"):
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
