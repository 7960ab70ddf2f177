"""The worker announces previews in order, with their bytes in the store, before the image."""

import asyncio
from dataclasses import replace

from server.engine.fake import InstantEngine
from server.engine.faulty import SlowStep
from server.engine.interface import Engine, SamplePreviewed
from server.jobs.event import Ended, JobState, PartialImage
from server.request import Job
from server.results.memory import MemoryResults
from tests.core.hand_engine import HandEngine
from tests.core.worked import Clock, Worked, job, worked


def asked(images: int, previews: int) -> Job:
    plain = job("a", images)
    return replace(plain, request=replace(plain.request, partial_images=previews))


async def shown(world: Worked) -> list[PartialImage]:
    """The log's previews, all of them before its end."""
    log = [event.what async for event in world.queue.events("a")]
    assert isinstance(log[-1], Ended) and log[-1].state is JobState.FINISHED
    return [what for what in log if isinstance(what, PartialImage)]


def run(engine: Engine, images: int, previews: int) -> None:
    async def whole() -> None:
        async with worked(engine) as world:
            await world.submit(asked(images, previews))
            await world.end_of("a")
            told = await shown(world)
            assert sorted((each.index, each.number) for each in told) == [
                (index, number) for index in range(images) for number in range(previews)
            ]
            for index in range(images):
                assert [each.number for each in told if each.index == index] == list(range(previews))
            for each in told:
                assert await world.results.get(each.key)

    asyncio.run(whole())


def test_every_preview_of_every_image_is_told_in_order() -> None:
    for engine in (InstantEngine(), SlowStep(step_s=0.0)):
        run(engine, images=3, previews=3)


class SlowResults(MemoryResults):
    """A store that takes its time over previews."""

    async def put(self, key: str, content: bytes, ttl_s: float) -> None:
        if "preview" in key:
            for _ in range(10):
                await asyncio.sleep(0)
        await super().put(key, content, ttl_s)


class NoPreviews(MemoryResults):
    """A store that takes no previews."""

    async def put(self, key: str, content: bytes, ttl_s: float) -> None:
        if "preview" in key:
            raise OSError("no space left")
        await super().put(key, content, ttl_s)


def test_the_image_waits_for_its_previews_and_does_without_those_that_cannot_be_stored() -> None:
    async def whole(results: MemoryResults, numbers: list[int]) -> None:
        engine = HandEngine()
        async with worked(engine, results) as world:
            await world.submit(asked(1, 2))
            await world.settle()
            assert engine.orders["a:0"].partial_images == 2
            engine.tell(SamplePreviewed("a:0", 0, b"first"))
            engine.tell(SamplePreviewed("a:0", 1, b"second"))
            engine.finish("a:0")
            await world.end_of("a")
            assert [each.number for each in await shown(world)] == numbers

    asyncio.run(whole(SlowResults(Clock()), [0, 1]))
    asyncio.run(whole(NoPreviews(Clock()), []))
