"""Makes metrics: each with its name, what it says, and its labels, all on one registry."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


@dataclass(frozen=True, slots=True)
class MetricMaker:
    """Two on two registries share nothing."""

    registry: CollectorRegistry

    def counter(self, name: str, said: str, *labels: str) -> Counter:
        """Its name gets ``_total`` at the end."""
        return Counter(name, said, labels, registry=self.registry)

    def gauge(self, name: str, said: str, *labels: str) -> Gauge:
        """What may fall again."""
        return Gauge(name, said, labels, registry=self.registry)

    def histogram(self, name: str, said: str, bounds: Sequence[float], *labels: str) -> Histogram:
        """``bounds`` are the buckets' upper ones; ``+Inf`` comes on top."""
        return Histogram(name, said, labels, buckets=bounds, registry=self.registry)
