"""How jobs end, counted by the process that brings the end about: the sum over processes counts each job once."""

from prometheus_client import CollectorRegistry, Counter

from server.jobs.event import JobState


class JobMetrics:
    """Told by the queue, in every process that has one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._jobs = Counter("h2serve_jobs", "Jobs by terminal state", ["state"], registry=registry)
        for state in JobState:
            if state.is_terminal:
                # There from the start: a counter that begins at 1 has no increase, and no alert would see it.
                self._jobs.labels(state)

    def ended(self, state: JobState) -> None:
        """Count one job under its terminal state."""
        self._jobs.labels(state).inc()
