"""The text that Prometheus scrapes."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge, Metric, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class WithoutCreated:
    """A registry's metrics less the ``_created`` series, which would add a third to the counters."""

    registry: CollectorRegistry

    def collect(self) -> Iterator[Metric]:
        """As the registry's own."""
        for metric in self.registry.collect():
            created = f"{metric.name}_created"
            metric.samples = [sample for sample in metric.samples if sample.name != created]
            yield metric


def render(registry: CollectorRegistry) -> bytes:
    """The text exposition format."""
    return generate_latest(WithoutCreated(registry))


async def render_aside(registry: CollectorRegistry) -> bytes:
    """In a thread: at its fullest it takes tens of milliseconds, in which an event loop would answer nobody."""
    return await asyncio.to_thread(render, registry)


def tell_build(registry: CollectorRegistry, version: str, model: str) -> None:
    """What runs here, as the labels of a series that is always 1."""
    info = Gauge(
        "h2serve_build_info", "Version and model of this process", ["version", "model"], registry=registry
    )
    info.labels(version, model).set(1)
