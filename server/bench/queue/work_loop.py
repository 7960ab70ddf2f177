"""What a worker does with the queue, and no engine: the calls of ``server/worker``, in their order and number."""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from server.bench.queue.jobs import MODEL, RESULT, RESULT_LIFE_S, result_of
from server.endless import goes_on
from server.jobs.fit import Room
from server.jobs.interface import JobQueue
from server.jobs.lease import Lease, LeaseReport, Progress
from server.jobs.workers import WorkerInfo
from server.results.interface import ResultStore
from server.worker.patience import GONE, repeat

RENEW_EACH_S, BEAT_EACH_S, BEAT_TTL_MS, LOOK_EACH_S = 3.0, 3, 15_000, 1.0
T = TypeVar("T")


@dataclass
class Held:
    """A job under way."""

    lease: Lease
    num_steps: int
    step: int = 0


@dataclass
class WorkLoop:
    """A job takes ``draw_steps()`` steps, a step with so many samples ``step_s(samples)`` seconds.

    ``on_end`` is called at each job's end.
    """

    queue: JobQueue
    results: ResultStore
    name: str
    draw_steps: Callable[[], int]
    step_s: Callable[[int], float]
    max_batch: int = 8
    on_end: Callable[[], None] = lambda: None
    held: dict[str, Held] = field(default_factory=dict)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for work in (self._work, self._renew, self._beat):
                tasks.create_task(work())

    async def _work(self) -> None:
        while goes_on():
            with contextlib.suppress(*GONE):
                await self._fill()
            if self.held:
                await asyncio.sleep(self.step_s(len(self.held)))
                await self._step()
            else:
                with contextlib.suppress(*GONE):
                    await self.queue.wait_for_work(MODEL, LOOK_EACH_S)

    async def _fill(self) -> None:
        free = self.max_batch - len(self.held)
        if free:
            for lease in await self.queue.take(Room(free, idle=not self.held), MODEL, self.name):
                self.held[lease.job.id] = Held(lease, self.draw_steps())

    async def _step(self) -> None:
        """One call tells of all; then what is done is handed in."""
        for held in self.held.values():
            held.step += 1
        reports = [Progress(held.lease, held.step, held.num_steps) for held in self.held.values()]
        with contextlib.suppress(*GONE):
            self._drop(await self.queue.progress(reports))
        done = [held.lease for held in self.held.values() if held.step >= held.num_steps]
        for lease in done:
            del self.held[lease.job.id]
        await asyncio.gather(*(self._hand_in(lease) for lease in done))

    async def _hand_in(self, lease: Lease) -> None:
        """Bytes first, then the end."""
        key = f"{lease.job.id}/0/{lease.token}"
        await until_there(lambda: self.results.put(key, RESULT, RESULT_LIFE_S))
        await until_there(lambda: self.queue.finish(lease, result_of(lease.job, key)))
        self.on_end()

    async def _renew(self) -> None:
        while goes_on():
            await asyncio.sleep(RENEW_EACH_S)
            if self.held:
                with contextlib.suppress(*GONE):
                    self._drop(await self.queue.renew([held.lease for held in self.held.values()]))

    async def _beat(self) -> None:
        """A heartbeat each 3 s, a sweep each second."""
        for second in itertools.count():
            with contextlib.suppress(*GONE):
                if second % BEAT_EACH_S == 0:
                    info = WorkerInfo(self.name, MODEL, "bench", self.max_batch, len(self.held))
                    await self.queue.announce(info, BEAT_TTL_MS)
                await self.queue.sweep()
            await asyncio.sleep(1.0)

    def _drop(self, report: LeaseReport) -> None:
        for job_id in report.gone:
            self.held.pop(job_id, None)


async def until_there(call: Callable[[], Awaitable[T]]) -> T | None:
    """As a worker asks, again and again; None when this task is to end."""
    return await repeat(call, lambda: True)
