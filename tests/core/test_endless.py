"""A task whose cancellation was swallowed ends all the same."""

import asyncio
import contextlib

from server.endless import goes_on


def test_an_endless_task_ends_when_its_cancellation_was_swallowed() -> None:
    async def deaf() -> str:
        while goes_on():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        return "ended"

    async def scenario() -> str:
        task = asyncio.create_task(deaf())
        await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(5):
            return await task

    assert asyncio.run(scenario()) == "ended"
