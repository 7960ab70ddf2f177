"""The pairs' figures in this process's memory."""

from collections.abc import Callable

from server.pair_stats.interface import LISTED, FinishedJob, PairReport
from server.pair_stats.top_pairs import TopPairs


class MemoryPairStats:
    """A list of all tenants' jobs, and one of each tenant's; the tenants are those of the key file."""

    def __init__(self, wall_clock: Callable[[], float], listed: int = LISTED) -> None:
        self._since_s, self._listed = wall_clock(), listed
        self._of_all = self._empty()
        self._of_tenant: dict[str, TopPairs] = {}

    async def record(self, job: FinishedJob) -> None:
        """See PairStats."""
        self._of_all.record(job)
        self._of_tenant.setdefault(job.tenant, self._empty()).record(job)

    async def report(self, tenant: str | None = None) -> PairReport:
        """See PairStats."""
        return (self._of_all if tenant is None else self._of_tenant.get(tenant, self._empty())).report()

    def _empty(self) -> TopPairs:
        return TopPairs(self._since_s, self._listed)
