"""Rendering a scrape beside the event loop."""

import asyncio
import threading
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric

from server.metrics.registry import render_aside

PATIENCE_S = 30.0


class SlowCollector:
    """Waits for somebody else to do something, as if there were much to collect."""

    def __init__(self) -> None:
        self.others_went_on = threading.Event()
        self.was_waited_for = False

    def collect(self) -> Iterator[Metric]:
        self.was_waited_for = self.others_went_on.wait(PATIENCE_S)
        yield Metric("h2serve_slow", "collected", "gauge")


def test_an_event_loop_answers_others_while_a_scrape_is_rendered() -> None:
    async def scenario() -> None:
        registry, slow = CollectorRegistry(auto_describe=False), SlowCollector()
        registry.register(slow)
        rendering = asyncio.create_task(render_aside(registry))
        await asyncio.sleep(0)
        slow.others_went_on.set()
        assert b"# TYPE h2serve_slow gauge" in await rendering
        assert slow.was_waited_for

    asyncio.run(scenario())
