"""What the parts of the contract share: jobs, a queue a scenario, and time that passes when told to."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from server.jobs.event import Ended, Happening
from server.jobs.fit import Room
from server.jobs.interface import JobQueue
from server.jobs.lease import Lease, Progress
from server.jobs.submit import Accepted, Bounds, Once
from server.jobs.terms import DEFAULT_TERMS, QueueTerms
from server.request import CacheChoice, ImageRequest, Job, JobResult

MODEL = "flux-nano"
WIDE = Bounds(100, 100)
DONE = JobResult(())
PATIENCE_S = 20


def job(job_id: str, images: int = 1, model: str = MODEL, side: int = 64, **beside: Any) -> Job:
    """``side`` is width and height in pixels; ``beside`` are the job's other fields."""
    cache = CacheChoice("off", None, None, method="off")
    return Job(job_id, ImageRequest("a", model, images, side, side, 4, 3.5, 1, cache), 1000, **beside)


def once(key: str, digest: str = "body") -> Once:
    return Once(key, digest)


async def put(queue: JobQueue, *jobs: Job) -> None:
    for each in jobs:
        assert await queue.put(each, WIDE) == Accepted(each.id)


async def take(queue: JobQueue, images: int = 1, worker: str = "w", **room: Any) -> list[Lease]:
    return await queue.take(Room(images, **room), MODEL, worker)


async def taken(queue: JobQueue, images: int = 1, **room: Any) -> list[str]:
    return [lease.job.id for lease in await take(queue, images, **room)]


async def lease_of(queue: JobQueue, job_id: str = "a", **fields: Any) -> Lease:
    """A new job's lease; the queue holds no other."""
    await put(queue, job(job_id, **fields))
    (lease,) = await take(queue)
    return lease


async def step(queue: JobQueue, lease: Lease, number: int, of: int = 4, **beside: Any) -> None:
    await queue.progress([Progress(lease, number, of, **beside)])


async def log_of(queue: JobQueue, job_id: str, after: str | None = None) -> list[Happening]:
    """Everything that is told until the watching ends."""
    return [event.what async for event in queue.events(job_id, after)]


async def end_of(queue: JobQueue, job_id: str) -> Ended:
    """The terminal event, which is the last and the only one."""
    *before, end = await log_of(queue, job_id)
    assert isinstance(end, Ended) and not any(isinstance(what, Ended) for what in before)
    return end


def ids(statuses: list[Any]) -> list[str]:
    return [status.job_id for status in statuses]


Scenario = Callable[[JobQueue], Awaitable[None]]


class Contract:
    """Subclasses say how a fresh queue is made, and how time passes for it."""

    async def make(self, terms: QueueTerms) -> JobQueue:
        raise AssertionError("the back end's test class makes the queue")

    async def pass_ms(self, queue: JobQueue, ms: int) -> None:
        """Let time pass, then let the queue do what is due."""
        raise AssertionError("the back end's test class lets time pass")

    def run(self, scenario: Scenario, **terms: int) -> None:
        """A scenario on a queue of its own, within a time limit; ``terms`` are changes to the queue's."""

        async def whole() -> None:
            queue = await self.make(replace(DEFAULT_TERMS, **terms))
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await scenario(queue)
            finally:
                await queue.close()

        asyncio.run(whole())

    async def lose(self, queue: JobQueue, lease: Lease) -> None:
        """The lease's holder dies: nothing is heard of it until the lease has ended."""
        await self.pass_ms(queue, DEFAULT_TERMS.lease_ms + 2000)
        assert (await queue.renew([lease])).lost == {lease.job.id}
