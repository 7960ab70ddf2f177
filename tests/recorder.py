"""What an engine tells, and small orders to give it; nothing here needs torch."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from server.engine.interface import (
    BatchStepped,
    EngineEvent,
    EngineFact,
    SampleDropped,
    SampleEnd,
    SampleFailed,
    SampleFinished,
    SampleOrder,
    SampleSaved,
    SampleStepped,
    TextEncoded,
)
from server.request import CacheChoice

OFF = CacheChoice("off", None, None, method="off")


def order(sample_id: str, **changes: Any) -> SampleOrder:
    """A small order; the cache is off unless said otherwise."""
    values: dict[str, Any] = {"prompt": "a red cat", "width": 64, "height": 64, "steps": 4, "guidance": 3.5}
    values |= {"seed": 7, "cache": OFF, **changes}
    return SampleOrder(sample_id, **values)


@dataclass
class Recorder:
    """An engine's listener and observer; tests wait for what they need."""

    events: list[EngineEvent] = field(default_factory=list)
    batches: list[BatchStepped] = field(default_factory=list)
    texts: list[TextEncoded] = field(default_factory=list)
    change: threading.Condition = field(default_factory=threading.Condition)

    def listen(self, event: EngineEvent) -> None:
        with self.change:
            self.events.append(event)
            self.change.notify_all()

    def observe(self, fact: EngineFact) -> None:
        with self.change:
            if isinstance(fact, BatchStepped):
                self.batches.append(fact)
            else:
                self.texts.append(fact)
            self.change.notify_all()

    def wait(self, is_so: Callable[[], bool]) -> None:
        with self.change:
            assert self.change.wait_for(is_so, timeout=60), self.events

    def ends(self, sample_id: str | None = None) -> list[SampleEnd]:
        return [
            event for event in self.events if isinstance(event, SampleEnd) and sample_id in (None, event.sample_id)
        ]

    def steps(self, sample_id: str) -> int:
        return sum(isinstance(event, SampleStepped) and event.sample_id == sample_id for event in self.events)

    def finished(self, sample_id: str) -> SampleFinished:
        """Wait for the sample's end, which has to be an image."""
        self.wait(lambda: bool(self.ends(sample_id)))
        (end,) = self.ends(sample_id)
        assert isinstance(end, SampleFinished), end
        return end

    def saved(self, sample_id: str) -> SampleSaved:
        """Wait for the first of the sample's states that is told."""
        self.wait(lambda: bool(self.saves(sample_id)))
        return self.saves(sample_id)[0]

    def saves(self, sample_id: str) -> list[SampleSaved]:
        return [event for event in self.events if isinstance(event, SampleSaved) and event.sample_id == sample_id]

    def failed(self, sample_id: str) -> SampleFailed:
        self.wait(lambda: bool(self.ends(sample_id)))
        (end,) = self.ends(sample_id)
        assert isinstance(end, SampleFailed), end
        return end

    def dropped(self, sample_id: str) -> SampleDropped:
        self.wait(lambda: bool(self.ends(sample_id)))
        (end,) = self.ends(sample_id)
        assert isinstance(end, SampleDropped), end
        return end
