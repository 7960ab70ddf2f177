"""The workers' heartbeats in memory."""

from server.jobs.workers import WorkerInfo


class WorkerRoll:
    """Who lives, and every model that was ever announced, with the profile that was told last."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[WorkerInfo, int]] = {}
        self._draining: set[str] = set()
        self.models: dict[str, str] = {}

    def announce(self, info: WorkerInfo, until_ms: int) -> bool:
        """Note the heartbeat; True when the worker is to drain."""
        self._last[info.worker] = (info, until_ms)
        self.models[info.model] = info.profile or self.models.get(info.model, "")
        return info.worker in self._draining

    def alive(self, now_ms: int) -> list[WorkerInfo]:
        """In order of their names; those past their time are forgotten."""
        self._last = {name: (info, until_ms) for name, (info, until_ms) in self._last.items() if until_ms > now_ms}
        self._draining &= set(self._last)
        return [self._last[name][0] for name in sorted(self._last)]

    def drain(self, worker: str, now_ms: int) -> bool:
        """Ask the worker to drain. False when it is not known."""
        if all(info.worker != worker for info in self.alive(now_ms)):
            return False
        self._draining.add(worker)
        return True
