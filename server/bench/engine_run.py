"""An engine for one pass of a benchmark."""

import contextlib
import queue
from collections.abc import Callable, Iterator

from server.engine.interface import EngineEvent, EngineLimits, Observer, SampleEnd, SampleFinished
from server.engine.loader import LoadedModel
from server.engine.step_engine import StepEngine
from server.errors import ServerError
from server.profile import ModelProfile


@contextlib.contextmanager
def running_engine(
    model: LoadedModel, profile: ModelProfile, observe: Observer = lambda fact: None
) -> Iterator[tuple[StepEngine, Callable[[], SampleFinished]]]:
    """A started engine of batch 8, and a function that waits for the next end: any but an image is an error.

    ``observe`` is told what its steps cost.
    """
    ends: queue.SimpleQueue[SampleEnd] = queue.SimpleQueue()

    def listen(event: EngineEvent) -> None:
        if isinstance(event, SampleEnd):
            ends.put(event)

    def next_end() -> SampleFinished:
        end = ends.get()
        if not isinstance(end, SampleFinished):
            raise ServerError(f"sample {end.sample_id} of the benchmark ended without an image")
        return end

    engine = StepEngine(model, EngineLimits(max_batch=8, text_length=profile.text_length))
    engine.start(listen, observe)
    try:
        yield engine, next_end
    finally:
        engine.stop(0.0)
