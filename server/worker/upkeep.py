"""What a worker does by the clock: renew its leases, and say that it lives."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.endless import goes_on
from server.errors import ServerError
from server.jobs.interface import JobQueue
from server.jobs.lease import LeaseReport
from server.jobs.workers import WorkerInfo
from server.worker.book import Book
from server.worker.patience import GONE
from server.worker.running import Running

SWEEP_EACH_S = 1.0
BEAT_EACH_S, BEAT_TTL_MS = 3.0, 15_000
log = logging.getLogger(__name__)


class HungEngine(ServerError):
    """The engine's loop stands still and will not turn again; the process has to be started again."""


@dataclass(frozen=True)
class Upkeep:
    """``on_gone`` is told of lost leases, ``on_drain`` when somebody asked the worker to leave.

    ``hung_after_s`` is how long the engine may go on not to tick, None for ever.
    """

    queue: JobQueue
    book: Book
    renew_each_s: float
    clock: Callable[[], float]
    is_ticking: Callable[[], bool]
    hung_after_s: float | None
    info: Callable[[], WorkerInfo]
    on_gone: Callable[[LeaseReport, Sequence[Running]], None]
    on_drain: Callable[[], None]

    async def renew(self) -> None:
        """For ever. A hung engine's leases are left to end: others get its jobs, and what it writes is refused.

        Raises HungEngine. Its time counts from where it was first seen to stand still: a process that slept
        finds an old tick when it wakes up, and its engine as well as before.
        """
        still_since_s: float | None = None
        while goes_on():
            await asyncio.sleep(self.renew_each_s)
            if self.is_ticking():
                still_since_s = None
                await self._renew_all()
            elif still_since_s is None:
                still_since_s = self.clock()
                log.error("the engine's loop does not tick, %d jobs are not renewed", len(self.book.jobs))
            elif self.hung_after_s is not None and self.clock() - still_since_s > self.hung_after_s:
                raise HungEngine(f"the engine hangs: its loop has not turned for {2 * self.hung_after_s:g} s")

    async def _renew_all(self) -> None:
        jobs = list(self.book.jobs.values())
        if not jobs:
            return
        try:
            report = await self.queue.renew([job.lease for job in jobs])
        except GONE:
            log.warning("%d leases could not be renewed", len(jobs))
            return
        self.on_gone(report, jobs)

    async def beat(self) -> None:
        """For ever: the heartbeat, and what is due in the queue."""
        next_beat_s = self.clock()
        while goes_on():
            try:
                if self.clock() >= next_beat_s:
                    if await self.queue.announce(self.info(), BEAT_TTL_MS):
                        self.on_drain()
                    next_beat_s = self.clock() + BEAT_EACH_S
                await self.queue.sweep()
            except GONE as error:
                log.warning("%s", error.message)
            await asyncio.sleep(SWEEP_EACH_S)
