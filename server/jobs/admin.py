"""What an operator can do with a queue beside what clients and workers can."""

from collections.abc import Iterable
from typing import Protocol

from server.jobs.event import JobState
from server.jobs.interface import JobQueue
from server.jobs.status import JobStatus


class QueueAdmin(JobQueue, Protocol):
    """The job queue, with lists over all tenants and means to mend."""

    async def list_all(self, states: Iterable[JobState], limit: int) -> list[JobStatus]:
        """Jobs of all tenants in these states: running, then waiting in their order, then ended, last first."""
        ...

    async def retry_dead(self) -> list[str]:
        """Give all dead jobs that are still kept a new life, at the end of the line. Their ids."""
        ...

    async def drain(self, worker: str) -> bool:
        """Ask a worker to take no more jobs, hand back what it has, and stop. False when it is not known."""
        ...
