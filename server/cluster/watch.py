"""What an API process knows of Redis and of the workers, looked at once a second."""

import asyncio
import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field

from server.catalogue import Catalogue
from server.endless import goes_on
from server.errors import NotReady
from server.jobs.interface import JobQueue
from server.jobs.workers import WorkerInfo, largest_that_fits
from server.results.interface import ResultStore

LOOK_EACH_S = 1.0
NOT_ASKED_YET = "Redis has not answered yet"
NO_WORKER = "no worker lives"
QUEUE, RESULTS = "queue", "results"
"""The stores, as the metrics call them."""


def reason_not_ready(refused: str | None, num_workers: int, needs_workers: bool) -> str | None:
    """Redis takes no writes, or nobody is there to work."""
    if refused is not None:
        return refused
    return NO_WORKER if needs_workers and num_workers == 0 else None


@dataclass
class ClusterWatch:
    """``name`` is the process's own, for the key that it writes to see whether the results store takes writes.

    ``catalogue`` hears of the models that workers announce; ``refusals`` says why a store takes no writes.
    """

    queue: JobQueue
    results: ResultStore
    catalogue: Catalogue
    name: str
    needs_workers: bool
    workers: list[WorkerInfo] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=lambda: dict.fromkeys((QUEUE, RESULTS), NOT_ASKED_YET))

    @property
    def refused(self) -> str | None:
        """Why a store takes no writes, the queue's reason first."""
        return self.refusals.get(QUEUE) or self.refusals.get(RESULTS)

    @property
    def reason(self) -> str | None:
        """Why the process is not ready. Who asks for a model all the same waits for its worker."""
        return reason_not_ready(self.refused, len(self.workers), self.needs_workers)

    def images_per_s(self, model: str | None) -> float | None:
        """Of the model's workers together, as they measure it; None before the first image.

        No model is all of them, as the queue's depth is of all.
        """
        asked = [worker for worker in self.workers if model in (None, worker.model)]
        rates = [worker.images_per_s for worker in asked if worker.images_per_s is not None]
        return sum(rates) if rates else None

    def most_pixels(self, model: str) -> int | None:
        """Of the largest image that one of them can hold; None without a bound, and while no worker is known."""
        return largest_that_fits(self.workers, model)

    async def run(self) -> None:
        """For ever. What is due in the queue is done here too, so that it is also done while no worker lives."""
        while goes_on():
            await self.look()
            await asyncio.sleep(LOOK_EACH_S)

    async def look(self) -> None:
        """Write to each store, and count the workers that still take jobs."""
        with self._noted(QUEUE):
            await self.queue.sweep()
            known, models = await self.queue.workers(), await self.queue.models()
            self.workers = [worker for worker in known if not worker.draining]
            self.catalogue.hear(models)
        with self._noted(RESULTS):
            await self.results.put(f"watch/{self.name}", b"", 10 * LOOK_EACH_S)

    @contextlib.contextmanager
    def _noted(self, store: str) -> Generator[None, None, None]:
        """Whether it took what was done."""
        try:
            yield
        except NotReady as error:
            self.refusals[store] = error.message
        else:
            self.refusals.pop(store, None)
