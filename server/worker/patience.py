"""Calls to a queue or a store that may be gone for a while: again and again, at random moments."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from server.endless import goes_on
from server.errors import StorageFull, StorageUnreachable

FIRST_S, LONGEST_S = 0.1, 2.0
GONE = (StorageUnreachable, StorageFull)
"""What passes."""
T = TypeVar("T")


def delays(draw: Callable[[], float]) -> Iterator[float]:
    """Seconds to wait before the next try: anything up to a bound that doubles, so that workers keep out of step.

    ``draw`` gives numbers from 0 to 1.
    """
    for tries in itertools.count():
        yield draw() * min(LONGEST_S, FIRST_S * 2 ** min(tries, 16))


async def repeat(
    call: Callable[[], Awaitable[T]],
    is_wanted: Callable[[], bool],
    draw: Callable[[], float] = random.random,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T | None:
    """What ``call`` gives once somebody answers and has room; None when it is wanted no longer."""
    for delay in delays(draw):
        try:
            return await call()
        except GONE:
            await sleep(delay)
        if not is_wanted() or not goes_on():
            break
    return None
