"""What every results store has to keep; a back end's test module subclasses ``ResultsContract``."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.results.interface import ResultStore


class ResultsContract:
    """Subclasses say how an empty store is made and how its time passes."""

    async def make(self) -> ResultStore:
        raise AssertionError("the subclass makes the store")

    async def let_pass(self, seconds: float) -> None:
        raise AssertionError("the subclass knows its clock")

    def run(self, scenario: Callable[[ResultStore], Awaitable[Any]]) -> Any:
        """Run a scenario on a store of its own, within a time limit."""

        async def whole() -> Any:
            store = await self.make()
            try:
                return await asyncio.wait_for(scenario(store), 20)
            finally:
                await store.close()

        return asyncio.run(whole())

    def test_a_result_is_there_until_its_life_is_over(self) -> None:
        async def scenario(store: ResultStore) -> None:
            await store.put("a", b"image", ttl_s=100)
            await self.let_pass(90)
            assert await store.get("a") == b"image"
            await self.let_pass(10)
            assert await store.get("a") is None

        self.run(scenario)

    def test_an_unknown_key_is_none(self) -> None:
        async def scenario(store: ResultStore) -> None:
            assert await store.get("nothing") is None

        self.run(scenario)

    def test_a_deleted_result_is_gone_and_deleting_twice_is_fine(self) -> None:
        async def scenario(store: ResultStore) -> None:
            for key in "abc":
                await store.put(key, b"image", 10)
            await store.delete("a", "b")
            await store.delete("a", "never there")
            await store.delete()
            assert [await store.get(key) for key in "abc"] == [None, None, b"image"]

        self.run(scenario)

    def test_the_last_content_under_a_key_counts_with_its_own_life(self) -> None:
        async def scenario(store: ResultStore) -> None:
            await store.put("a", b"first", 10)
            await store.put("a", b"second", 1000)
            await self.let_pass(500)
            assert await store.get("a") == b"second"

        self.run(scenario)

    def test_a_touched_key_lives_on_from_now_and_an_unknown_one_stays_unknown(self) -> None:
        async def scenario(store: ResultStore) -> None:
            await store.put("a", b"image", 100)
            await store.put("b", b"image", 100)
            await self.let_pass(90)
            await store.touch(["a", "nothing"], 100)
            await store.touch([], 100)
            await self.let_pass(90)
            assert [await store.get(key) for key in ("a", "b", "nothing")] == [b"image", None, None]
            await self.let_pass(10)
            assert await store.get("a") is None

        self.run(scenario)

    def test_a_key_past_its_life_is_not_woken_by_a_touch(self) -> None:
        async def scenario(store: ResultStore) -> None:
            await store.put("a", b"image", 100)
            await self.let_pass(100)
            await store.touch(["a"], 100)
            assert await store.get("a") is None

        self.run(scenario)

    def test_any_bytes_come_back_as_they_were(self) -> None:
        keys = st.from_regex(r"[a-z0-9:/._-]{1,40}", fullmatch=True)

        @settings(max_examples=20, deadline=None)
        @given(st.dictionaries(keys, st.binary(), max_size=4))
        def hold_for(contents: dict[str, bytes]) -> None:
            async def scenario(store: ResultStore) -> None:
                for key, content in contents.items():
                    await store.put(key, content, 10)
                assert {key: await store.get(key) for key in contents} == contents
                await store.delete(*contents)

            self.run(scenario)

        hold_for()

    def test_two_megabytes_come_back_whole(self) -> None:
        async def scenario(store: ResultStore) -> None:
            content = bytes(range(256)) * 8192
            await store.put("big", content, 10)
            assert await store.get("big") == content

        self.run(scenario)
