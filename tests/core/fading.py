"""A queue and a store that fail a worker for a while."""

from collections.abc import Sequence

from server.errors import StorageFull, StorageUnreachable
from server.jobs.fit import Room
from server.jobs.lease import Lease, LeaseReport, Progress
from server.jobs.memory import MemoryQueue
from server.request import JobResult
from server.results.memory import MemoryResults
from tests.core.worked import Clock


class Fading(MemoryQueue):
    """A queue that nobody answers at while ``is_gone``; each refused call is counted."""

    is_gone = False
    refused = 0

    def _check(self) -> None:
        if self.is_gone:
            self.refused += 1
            raise StorageUnreachable("gone")

    async def take(self, room: Room, model: str, worker: str) -> list[Lease]:
        self._check()
        return await super().take(room, model, worker)

    async def renew(self, leases: Sequence[Lease]) -> LeaseReport:
        self._check()
        return await super().renew(leases)

    async def progress(self, reports: Sequence[Progress]) -> LeaseReport:
        self._check()
        return await super().progress(reports)

    async def finish(self, lease: Lease, result: JobResult) -> bool:
        self._check()
        return await super().finish(lease, result)


class FullFor(MemoryResults):
    """A store without room for the first ``times`` images."""

    def __init__(self, times: int) -> None:
        super().__init__(Clock())
        self.times = times

    async def put(self, key: str, content: bytes, ttl_s: float) -> None:
        if self.times:
            self.times -= 1
            raise StorageFull("no room")
        await super().put(key, content, ttl_s)
