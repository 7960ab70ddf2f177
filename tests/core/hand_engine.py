"""An engine worked by hand: the test says what happens to which sample, and when."""

import time
from dataclasses import replace

from server.engine.interface import (
    BatchStepped,
    DeviceLost,
    EngineEvent,
    Listener,
    Observer,
    RowStepped,
    SampleFinished,
    SampleOrder,
    SampleSaved,
    SampleStepped,
)
from server.request import CacheCounts

COUNTS = CacheCounts(4, 4, 0, 0, 60, 60, 1.0)


class HandEngine:
    """Keeps the orders and the cancellations for the test to look at; ``places`` is how many orders it wants.

    Tests say ``a:0`` for the first image of job ``a``, whatever lease the worker holds the job under: the last.
    """

    def __init__(self, places: int = 8) -> None:
        self.places = places
        self.orders: dict[str, SampleOrder] = {}
        self.cancelled: list[str] = []
        self.saves: list[str] = []

    def start(self, listener: Listener, observer: Observer) -> None:
        self._listener, self.observe = listener, observer

    def submit(self, order: SampleOrder) -> None:
        self.orders[short(order.sample_id)] = order
        self.places -= 1

    def cancel(self, sample_id: str) -> None:
        self.cancelled.append(short(sample_id))

    def save(self, sample_id: str, full_up_to_bytes: int) -> None:
        self.saves.append(short(sample_id))

    def free_slots(self) -> int:
        return max(0, self.places)

    @property
    def last_tick_s(self) -> float | None:
        return time.monotonic()

    def stop(self, grace_s: float) -> None:
        """Nothing runs by itself."""

    def tell(self, event: EngineEvent) -> None:
        if not isinstance(event, DeviceLost) and event.sample_id in self.orders:
            event = replace(event, sample_id=self.orders[event.sample_id].sample_id)
        self._listener(event)

    def step(self, sample_id: str, step: int) -> None:
        order = self.orders[sample_id]
        self.observe(BatchStepped(1, 0.25, (RowStepped(order.cache, "full", 15, 15, 1.0),)))
        self.tell(SampleStepped(sample_id, step, order.steps))

    def end(self, event: EngineEvent) -> None:
        """Tell a sample's end; its place comes free."""
        self.places += 1
        self.tell(event)

    def finish(self, sample_id: str) -> None:
        self.end(SampleFinished(sample_id, sample_id.encode(), COUNTS, 1.0, 20.0, 3.0, 5))


def short(sample_id: str) -> str:
    """Job and image, without the lease."""
    return ":".join(sample_id.split(":")[:2])


def saved(index: str, step: int, content: bytes = b"state") -> SampleSaved:
    """What the engine says of a state that it was asked for."""
    return SampleSaved(index, step, content, True)
