"""Calls to what is gone are repeated at random moments, for as long as anybody wants them."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import StorageUnreachable
from server.worker.patience import LONGEST_S, delays, repeat


@given(st.floats(0, 1), st.integers(1, 2000))
def test_a_repeated_call_waits_longer_each_time_up_to_a_bound(drawn: float, tries: int) -> None:
    waits = list(itertools.islice(delays(lambda: drawn), tries))
    assert waits == sorted(waits)
    assert 0 <= max(waits) <= LONGEST_S


def test_a_call_is_repeated_until_it_succeeds_or_is_wanted_no_longer() -> None:
    async def scenario() -> None:
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        async def call() -> str:
            if len(slept) < 3:
                raise StorageUnreachable("gone")
            return "done"

        assert await repeat(call, lambda: True, lambda: 1.0, sleep) == "done"
        assert slept == [0.1, 0.2, 0.4]
        slept.clear()
        assert await repeat(call, lambda: len(slept) < 2, lambda: 1.0, sleep) is None
        assert len(slept) == 2

        async def break_down() -> None:
            raise KeyError("a fault of ours")

        with pytest.raises(KeyError):
            await repeat(break_down, lambda: True)

    asyncio.run(scenario())
