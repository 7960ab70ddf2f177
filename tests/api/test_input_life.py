"""Input images outlive their time to live where a job still needs them, and nowhere else."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from server.api.input_life import keep_inputs_alive, prolong_inputs
from server.errors import StorageUnreachable
from server.jobs.memory import MemoryQueue
from server.request import InputKeys, Job
from server.results.inputs import fetch_inputs, keep_inputs
from server.results.memory import MemoryResults
from tests.jobs.contract.base import DONE, job, put, take
from tests.jobs.test_memory import Clock, fresh

LIFE_S = 10.0


async def submitted(queue: MemoryQueue, results: MemoryResults, name: str) -> Job:
    """A job that waits, with an image of its own."""
    plain = job(name)
    mine = replace(plain, request=replace(plain.request, inputs=InputKeys((f"{name}/in/0",))))
    await keep_inputs(results, {f"{name}/in/0": b"image"}, LIFE_S)
    await put(queue, mine)
    return mine


def test_the_inputs_of_a_job_that_waits_or_runs_live_on_and_those_of_one_that_ended_do_not() -> None:
    async def scenario() -> None:
        clock = Clock()
        queue, results = fresh(clock=clock), MemoryResults(clock)
        jobs = [await submitted(queue, results, name) for name in ("ended", "running", "waiting")]
        ended, _ = await take(queue, 2)
        await queue.finish(ended, DONE)
        for _ in range(5):
            clock.now_s += 0.6 * LIFE_S
            await prolong_inputs(queue, results, LIFE_S)
        found = [await fetch_inputs(results, each.request) for each in jobs]
        assert found == [None, {"running/in/0": b"image"}, {"waiting/in/0": b"image"}]

    asyncio.run(scenario())


class GoneAtFirst(MemoryResults):
    """A store that does not answer the first time."""

    calls = 0

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.touched = asyncio.Event()

    async def touch(self, keys: Sequence[str], ttl_s: float) -> None:
        self.calls += 1
        if self.calls == 1:
            raise StorageUnreachable("nobody answers")
        await super().touch(keys, ttl_s)
        self.touched.set()


def test_they_are_looked_after_again_when_the_store_is_back() -> None:
    async def scenario() -> None:
        clock = Clock()
        queue, results = fresh(clock=clock), GoneAtFirst(clock)
        await submitted(queue, results, "waiting")
        looking = asyncio.create_task(keep_inputs_alive(queue, results, 0.004))
        async with asyncio.timeout(20):
            await results.touched.wait()
        looking.cancel()

    asyncio.run(scenario())
