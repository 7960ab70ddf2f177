"""Letters on their way: who is to be told of which job's end. A process holds those that it sees to."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Letter:
    """``body`` is None as long as the job has not ended."""

    job_id: str
    url: str
    body: bytes | None = None


class Outbox(Protocol):
    """Keeps letters until they are dropped. Who holds one says so again and again, or others take it over."""

    @property
    def round_s(self) -> float:
        """How often a process that lives says what it holds."""
        ...

    async def hold(self, letter: Letter) -> None:
        """Keep the letter as it is now, held by the caller. Raises NotReady."""
        ...

    async def renew(self, job_ids: Collection[str]) -> None:
        """These are still held by the caller. Raises NotReady."""
        ...

    async def release(self, job_ids: Collection[str]) -> None:
        """The caller stops: others may have them at once. Raises NotReady."""
        ...

    async def take_over(self) -> list[Letter]:
        """Some that nobody holds any more; the caller holds them now. Raises NotReady."""
        ...

    async def drop(self, job_id: str) -> None:
        """It was told, or there is nothing to tell. Raises NotReady."""
        ...


class ForgetfulOutbox:
    """Keeps nothing: where the jobs die with the process there is nothing for others to tell."""

    round_s = 3600.0

    async def hold(self, letter: Letter) -> None:
        """See Outbox."""

    async def renew(self, job_ids: Collection[str]) -> None:
        """See Outbox."""

    async def release(self, job_ids: Collection[str]) -> None:
        """See Outbox."""

    async def take_over(self) -> list[Letter]:
        """See Outbox."""
        return []

    async def drop(self, job_id: str) -> None:
        """See Outbox."""
