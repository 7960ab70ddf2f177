"""What an API process counts: requests, latency, refusals, and what it sees of queue and workers."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from server.jobs.status import PriorityDepth, QueueDepth
from server.metrics import buckets
from server.metrics.thresholds import ThresholdRule
from server.request import PRIORITIES, CacheChoice, Timings

REASONS = ("queue_full", "rate_limited")
"""Codes of the errors that are a 429."""
STAGES = ("queue", "encode", "denoise", "decode")


class ApiMetrics:
    """Registers itself on the registry that is passed in; two in one process share nothing."""

    def __init__(self, registry: CollectorRegistry, rule: ThresholdRule) -> None:
        self._rule = rule
        self._requests = Counter(
            "h2serve_requests", "HTTP requests by route and status code", ["route", "code"], registry=registry
        )
        self._request_seconds = Histogram(
            "h2serve_request_seconds",
            "Time to the answer by route",
            ["route"],
            buckets=buckets.REQUEST_S,
            registry=registry,
        )
        self._generation = Histogram(
            "h2serve_generation_seconds",
            "Time to the images of an answered generation",
            ["preset"],
            buckets=buckets.REQUEST_S,
            registry=registry,
        )
        self._stages = Histogram(
            "h2serve_generation_stage_seconds",
            "Where that time went; the stages add up to it",
            ["preset", "stage"],
            buckets=buckets.REQUEST_S,
            registry=registry,
        )
        self._pair = Histogram(
            "h2serve_pair_request_seconds",
            "Time to the images of an answered generation by thresholds",
            ["tau1", "tau2"],
            buckets=buckets.PAIR_S,
            registry=registry,
        )
        self._overflow = Counter(
            "h2serve_label_overflow",
            "Generations counted in a cell of the grid because their thresholds are not on the list",
            registry=registry,
        )
        self._refusals = Counter(
            "h2serve_refusals", "Requests answered 429 by reason", ["reason"], registry=registry
        )
        for reason in REASONS:
            self._refusals.labels(reason)
        self._waiting = Gauge(
            "h2serve_queue_images_waiting", "Images waiting, the same from every API", registry=registry
        )
        self._running = Gauge(
            "h2serve_queue_images_running", "Images under way, the same from every API", registry=registry
        )
        self._depth = Gauge(
            "h2serve_queue_depth",
            "Images waiting by priority, the same from every API",
            ["priority"],
            registry=registry,
        )
        self._oldest = Gauge(
            "h2serve_queue_oldest_age_seconds",
            "Age of the oldest waiting job by priority, the same from every API",
            ["priority"],
            registry=registry,
        )
        self._priorities: set[int] = {0}
        self._workers = Gauge("h2serve_workers_live", "Workers that the API sees", registry=registry)
        self._redis = Gauge(
            "h2serve_redis_writable", "1 when the last write probe went through", ["store"], registry=registry
        )

    def request_done(self, route: str, code: int, seconds: float) -> None:
        """Count an answered request under its route's template."""
        self._requests.labels(route, str(code)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def generation_done(self, choice: CacheChoice, timings: Timings) -> None:
        """Count an answered generation; the timings are those of its last image."""
        labels = self._rule.labels(choice)
        seconds = timings.total_ms / 1000
        self._generation.labels(labels.preset).observe(seconds)
        self._pair.labels(labels.tau1, labels.tau2).observe(seconds)
        for stage in STAGES:
            self._stages.labels(labels.preset, stage).observe(getattr(timings, f"{stage}_ms") / 1000)
        if labels.in_cell:
            self._overflow.inc()

    def refused(self, reason: str) -> None:
        """Count a 429; a reason that is not in ``REASONS`` is ``other``."""
        self._refusals.labels(reason if reason in REASONS else "other").inc()

    def queue_is(self, depth: QueueDepth) -> None:
        """Set the queue's depth. A priority that was there once stays, at 0: a gap would read as no data."""
        self._waiting.set(depth.images_waiting)
        self._running.set(depth.images_running)
        now = {line.priority: line for line in depth.priorities if line.priority in PRIORITIES}
        self._priorities |= now.keys()
        for priority in self._priorities:
            line = now.get(priority, PriorityDepth(priority, 0, 0))
            self._depth.labels(str(priority)).set(line.images)
            self._oldest.labels(str(priority)).set(line.oldest_ms / 1000)

    def workers_are(self, live: int) -> None:
        """Set how many workers there are."""
        self._workers.set(live)

    def redis_is(self, store: str, writable: bool) -> None:
        """Set whether ``queue`` or ``results`` took the last write; never called in the embedded mode."""
        self._redis.labels(store).set(writable)
