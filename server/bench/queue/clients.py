"""What the API does with the queue for clients that wait: submit, watch, fetch the result."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from server.bench.queue.jobs import RESULT, WIDE, bench_job, once_of
from server.bench.queue.work_loop import until_there
from server.errors import ServerError
from server.jobs.event import Ended
from server.jobs.interface import JobQueue
from server.results.interface import ResultStore

SUBMITS_AT_ONCE, FETCHES_AT_ONCE = 8, 3
"""As many as there are connections: the others wait in turn, as in the API."""


@dataclass(frozen=True)
class Clients:
    """``in_flight`` clients, each with its next job when its last one has been answered."""

    queue: JobQueue
    results: ResultStore
    in_flight: int
    submitting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SUBMITS_AT_ONCE))
    fetching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FETCHES_AT_ONCE))

    async def ask(self, numbers: range) -> None:
        """Every job of these numbers, each answered with its result."""
        left = iter(numbers)
        await asyncio.gather(*(self._one_after_another(left) for _ in range(self.in_flight)))

    async def _one_after_another(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            if await self._answer(number) != RESULT:
                raise ServerError(f"job {number} of the benchmark ended without its result")

    async def _answer(self, number: int) -> bytes | None:
        job, once = bench_job(number), once_of(number)
        async with self.submitting:
            await until_there(lambda: self.queue.put(job, WIDE, once, waiter=job.id))
        result = [event.what.result async for event in self.queue.events(job.id) if isinstance(event.what, Ended)]
        key = result[0].images[0].result_key if result and result[0] is not None else None
        async with self.fetching:
            return None if key is None else await until_there(lambda: self.results.get(key))
