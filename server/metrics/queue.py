"""How long the queue is. Every API tells the same: the maximum over APIs is right, their sum is not."""

from server.jobs.status import PriorityDepth, QueueDepth
from server.metrics.maker import MetricMaker
from server.request import PRIORITIES

SAME = "the same from every API"


class QueueMetrics:
    """Of the one queue that all processes share."""

    def __init__(self, new: MetricMaker) -> None:
        self._waiting = new.gauge("h2serve_queue_images_waiting", f"Images waiting, {SAME}")
        self._running = new.gauge("h2serve_queue_images_running", f"Images under way, {SAME}")
        self._depth = new.gauge("h2serve_queue_depth", f"Images waiting by priority, {SAME}", "priority")
        said = f"Age of the oldest waiting job by priority, {SAME}"
        self._oldest = new.gauge("h2serve_queue_oldest_age_seconds", said, "priority")
        self._priorities: set[int] = {0}

    def is_now(self, depth: QueueDepth) -> None:
        """Set all. A priority that was there once stays, at 0: a gap would read as no data."""
        self._waiting.set(depth.images_waiting)
        self._running.set(depth.images_running)
        now = {line.priority: line for line in depth.priorities if line.priority in PRIORITIES}
        self._priorities |= now.keys()
        for priority in self._priorities:
            line = now.get(priority, PriorityDepth(priority, 0, 0))
            self._depth.labels(str(priority)).set(line.images)
            self._oldest.labels(str(priority)).set(line.oldest_ms / 1000)
