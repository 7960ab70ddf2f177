"""How jobs end, counted by the process that brings the end about: the sum over processes counts each job once."""

from prometheus_client import CollectorRegistry, Counter


class JobMetrics:
    """Told by the queue, in every process that has one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._jobs = Counter("h2serve_jobs", "Jobs by terminal state", ["state"], registry=registry)

    def ended(self, state: str) -> None:
        """Count one job; ``state`` is one of the terminal states."""
        self._jobs.labels(state).inc()
