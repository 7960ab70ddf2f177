"""The promise to every sample of a batch: its image and its decisions are those that it has alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from server.engine.interface import EngineEvent, SampleOrder, SampleStepped
from server.engine.loader import LoadedModel
from tests.engine.conftest import Recorder, Start
from tests.engine.test_equals_pipeline import pixels_of


@dataclass
class Gathering(Recorder):
    """Holds the step loop after its first step until so many texts are encoded, or nobody would share a batch."""

    wanted: int = 0

    def listen(self, event: EngineEvent) -> None:
        if isinstance(event, SampleStepped):
            self.wait(lambda: len(self.texts) >= self.wanted)
        super().listen(event)


def assert_each_is_as_alone(model: LoadedModel, orders: Sequence[SampleOrder], start: Start) -> None:
    """All of them in one batch, of three at least and with hits, and each in an engine of its own."""
    together, mixed = start(model, recorder=Gathering(wanted=len(orders)))
    for wanted in orders:
        together.submit(wanted)
    for wanted in orders:
        alone, single = start(model)
        alone.submit(wanted)
        mine, others = single.finished(wanted.sample_id), mixed.finished(wanted.sample_id)
        assert mine.counts == others.counts
        assert np.abs(pixels_of(mine) - pixels_of(others)).max() <= 1
    assert max(step.batch_size for step in mixed.batches) >= 3
    assert {row.outcome for step in mixed.batches for row in step.rows} >= {"full", "structure_hit"}
