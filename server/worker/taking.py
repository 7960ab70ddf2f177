"""New jobs for the engine: at the border after a step, or at once where it is idle."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from server.endless import goes_on
from server.jobs.interface import JobQueue
from server.worker.book import Book
from server.worker.checkpoints import Checkpoints
from server.worker.inputs import Inputs
from server.worker.patience import GONE
from server.worker.running import Running
from server.worker.terms import WorkerTerms

LOOK_EACH_S = 1.0
"""A lease that ends makes no noise: even an idle worker has to look."""
log = logging.getLogger(__name__)


@dataclass
class Taking:
    """``wake`` has an idle engine's worker come by; ``on_taken`` is told of every job."""

    queue: JobQueue
    book: Book
    checkpoints: Checkpoints
    inputs: Inputs
    terms: WorkerTerms
    clock: Callable[[], float]
    wake: Callable[[], None]
    on_taken: Callable[[Running], None]
    is_closed: bool = False
    may_have_work: bool = True
    _has_looked: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self) -> None:
        """Wait for work, for ever. A busy engine's worker sees to it at its next border, an idle one is woken."""
        while goes_on():
            try:
                await self.queue.wait_for_work(self.terms.model, LOOK_EACH_S)
            except GONE:
                await asyncio.sleep(LOOK_EACH_S)
            self.may_have_work = True
            self._has_looked.clear()
            if not self.book.samples:
                self.wake()
            await _within(LOOK_EACH_S, self._has_looked)

    async def fill(self) -> None:
        """Give the engine what it has room for: the rest of the jobs under way, then new ones."""
        self.book.feed()
        room = self.book.room()
        if self.is_closed or not self.may_have_work or room.images < 1:
            return
        try:
            leases = await self.queue.take(room, self.terms.model, self.terms.name)
        except GONE:
            return
        self.may_have_work = bool(leases)
        self._has_looked.set()
        for lease in leases:
            job = Running(lease, self.clock())
            self.book.add(job)
            self.on_taken(job)
            await self._take_up(job)
            await self.inputs.take_up(job)
        self.book.feed()

    async def _take_up(self, job: Running) -> None:
        try:
            await self.checkpoints.take_up(job)
        except GONE:
            log.warning("the checkpoints of job %s cannot be had, it starts afresh", job.id)


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Wait for the event, but no longer than that."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
