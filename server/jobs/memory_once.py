"""Idempotency-Keys in memory: which job a tenant's key stands for, until its life ends."""

from dataclasses import dataclass

from server.jobs.submit import Accepted, Conflict, Once


@dataclass(frozen=True, slots=True)
class _Kept:
    digest: str
    job_id: str
    until_ms: int


class OnceKeys:
    """Keys live for ``life_ms`` from their first use."""

    def __init__(self, life_ms: int) -> None:
        self._life_ms = life_ms
        self._kept: dict[tuple[str, str], _Kept] = {}

    def find(self, tenant: str, once: Once | None, now_ms: int) -> Accepted | Conflict | None:
        """What the key says of a submit; None when it is free, or there is none."""
        kept = None if once is None else self._kept.get((tenant, once.key))
        if once is None or kept is None or kept.until_ms <= now_ms:
            return None
        return Accepted(kept.job_id, is_new=False) if kept.digest == once.digest else Conflict(kept.job_id)

    def keep(self, tenant: str, once: Once | None, job_id: str, now_ms: int) -> None:
        """The key now stands for the job. Keys past their life are dropped, the oldest come first."""
        if once is None:
            return
        self._kept.pop((tenant, once.key), None)
        self._kept[tenant, once.key] = _Kept(once.digest, job_id, now_ms + self._life_ms)
        while (first := next(iter(self._kept))) and self._kept[first].until_ms <= now_ms:
            del self._kept[first]

    def free(self, tenant: str, once: Once | None, job_id: str) -> None:
        """The key may be used anew, if it still stands for the job."""
        kept = None if once is None else self._kept.get((tenant, once.key))
        if once is not None and kept is not None and kept.job_id == job_id:
            del self._kept[tenant, once.key]
