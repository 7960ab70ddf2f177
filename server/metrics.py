"""What Prometheus is told. The registry is passed in: two servers in one process do not share numbers."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

STEP_BUCKETS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
REQUEST_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """The first useful set: requests, queue depth, batches and steps."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._requests = Counter(
            "h2serve_requests", "HTTP requests by route and status code", ["route", "code"], registry=registry
        )
        self._request_seconds = Histogram(
            "h2serve_request_seconds",
            "Time to the answer",
            ["route"],
            buckets=REQUEST_BUCKETS_S,
            registry=registry,
        )
        self._waiting = Gauge("h2serve_queue_images_waiting", "Images waiting", registry=registry)
        self._running = Gauge("h2serve_queue_images_running", "Images under way", registry=registry)
        self._batch_size = Histogram(
            "h2serve_batch_size", "Samples in a step", buckets=(1, 2, 3, 4, 6, 8, 12, 16, 32), registry=registry
        )
        self._step_seconds = Histogram(
            "h2serve_step_seconds", "Time of a batch's step", buckets=STEP_BUCKETS_S, registry=registry
        )
        self._steps = Counter("h2serve_steps", "Samples' steps by outcome", ["outcome"], registry=registry)
        self._images = Counter("h2serve_images", "Images by how they ended", ["end"], registry=registry)

    def request_done(self, route: str, code: int, seconds: float) -> None:
        """Count an answered request under its route's template."""
        self._requests.labels(route, str(code)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def queue_is(self, images_waiting: int, images_running: int) -> None:
        """Set the queue's depth."""
        self._waiting.set(images_waiting)
        self._running.set(images_running)

    def batch_stepped(self, batch_size: int, seconds: float, outcomes: Sequence[str]) -> None:
        """Count one step of one batch."""
        self._batch_size.observe(batch_size)
        self._step_seconds.observe(seconds)
        for outcome in outcomes:
            self._steps.labels(outcome).inc()

    def image_ended(self, end: str) -> None:
        """Count an image as finished, failed or dropped."""
        self._images.labels(end).inc()

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self._registry)
