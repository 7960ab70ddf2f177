"""What an operator can do with a queue beside what clients and workers can."""

from typing import Protocol

from server.jobs.interface import JobQueue


class QueueAdmin(JobQueue, Protocol):
    """The job queue, with means to mend it."""

    async def retry_dead(self) -> list[str]:
        """Give all dead jobs that are still kept a new life, at the end of the line. Their ids."""
        ...

    async def drain(self, worker: str) -> bool:
        """Ask a worker to take no more jobs, hand back what it has, and stop. False when it is not known."""
        ...
