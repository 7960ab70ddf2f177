"""What an API process counts: requests, latency, refusals, and what it sees of queue and workers."""

from prometheus_client import CollectorRegistry

from server.jobs.status import QueueDepth
from server.metrics import buckets
from server.metrics.maker import MetricMaker
from server.metrics.queue import QueueMetrics
from server.metrics.thresholds import ThresholdRule
from server.request import CacheChoice, Timings

REASONS = ("queue_full", "rate_limited")
"""Codes of the errors that are a 429."""
STAGES = ("queue", "encode", "denoise", "decode")


class ApiMetrics:
    """Registers itself on the registry that is passed in; two in one process share nothing."""

    def __init__(self, registry: CollectorRegistry, rule: ThresholdRule) -> None:
        new, bounds = MetricMaker(registry), buckets.REQUEST_S
        self._rule = rule
        self._requests = new.counter("h2serve_requests", "HTTP requests by route and status code", "route", "code")
        self._request_seconds = new.histogram(
            "h2serve_request_seconds", "Time to the answer by route", bounds, "route"
        )
        said = "Time to the images of an answered generation"
        self._generation = new.histogram("h2serve_generation_seconds", said, bounds, "preset")
        self._pair = new.histogram(
            "h2serve_pair_request_seconds", f"{said} by thresholds", buckets.PAIR_S, "tau1", "tau2"
        )
        said = "Where that time went; the stages add up to it"
        self._stages = new.histogram("h2serve_generation_stage_seconds", said, bounds, "preset", "stage")
        said = "Generations counted in a cell of the grid because their thresholds are not on the list"
        self._overflow = new.counter("h2serve_label_overflow", said)
        self._refusals = new.counter("h2serve_refusals", "Requests answered 429 by reason", "reason")
        for reason in REASONS:
            self._refusals.labels(reason)
        self._queue = QueueMetrics(new)
        self._workers = new.gauge("h2serve_workers_live", "Workers that the API sees")
        self._redis = new.gauge("h2serve_redis_writable", "1 when the last write probe went through", "store")

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
        """Set the queue's depth."""
        self._queue.is_now(depth)

    def workers_are(self, live: int) -> None:
        """Set how many workers there are."""
        self._workers.set(live)

    def redis_is(self, store: str, writable: bool) -> None:
        """Set whether ``queue`` or ``results`` took the last write; never called in the embedded mode."""
        self._redis.labels(store).set(writable)
