"""The engine: samples with their own thresholds, steps, guidance and seeds share one forward at a time.

Three threads: text encoding, the step loop, decoding. A sample is handed from one to the next and is owned by one.
"""

import logging
import queue
import threading
from dataclasses import replace

from server.engine.embedding import UnknownPrompt
from server.engine.finish import DecodeImage, decode_and_encode, finish
from server.engine.interface import (
    FAILED,
    EngineEvent,
    EngineFact,
    EngineLimits,
    Listener,
    Observer,
    SampleDropped,
    SampleFailed,
    SampleOrder,
)
from server.engine.loader import LoadedModel
from server.engine.memory import default_budget
from server.engine.prepare import prepare
from server.engine.roster import Roster
from server.engine.sample import Sample
from server.engine.step_loop import StepLoop
from server.engine.text_encoder import TextEncoder

JOIN_S = 10.0
"""The threads are daemons: one that hangs in a kernel or a decode does not keep the process."""
log = logging.getLogger(__name__)


class StepEngine:
    """Implements ``Engine``. ``decode_image`` is a seam for tests that hold a decode."""

    def __init__(
        self, model: LoadedModel, limits: EngineLimits, decode_image: DecodeImage = decode_and_encode
    ) -> None:
        budget = limits.memory_budget_bytes or default_budget(model.device)
        self._model, self._limits = model, replace(limits, memory_budget_bytes=budget)
        self._decode_image = decode_image
        self._text = TextEncoder(model, limits.text_length, limits.text_cache_bytes, self._observe)
        self._roster = Roster()
        self._to_encode: queue.SimpleQueue[SampleOrder | None] = queue.SimpleQueue()
        self._to_decode: queue.SimpleQueue[Sample | None] = queue.SimpleQueue()
        self._loop = StepLoop(
            model,
            self._limits,
            self._roster,
            tell=self._tell,
            end=self._end,
            observe=self._observe,
            decode=self._to_decode.put,
        )
        self._threads: list[threading.Thread] = []

    def start(self, listener: Listener, observer: Observer) -> None:
        """See Engine."""
        self._listener, self._observer = listener, observer
        for name, work in (("encode", self._encode), ("steps", self._steps), ("decode", self._decode)):
            thread = threading.Thread(target=work, name=f"engine-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def submit(self, order: SampleOrder) -> None:
        """See Engine."""
        if not self._roster.enter(order):
            return
        if self._roster.is_closing:
            self._end(SampleDropped(order.sample_id))
        else:
            self._to_encode.put(order)

    def cancel(self, sample_id: str) -> None:
        """See Engine. The end is told now; whoever owns the sample lets go of it at the next border."""
        self._end(SampleDropped(sample_id))

    def free_slots(self) -> int:
        """See Engine."""
        return self._roster.free_slots(self._limits.max_batch)

    @property
    def last_tick_s(self) -> float | None:
        """See Engine."""
        return self._loop.tick_s

    def stop(self, grace_s: float) -> None:
        """See Engine."""
        for sample_id in self._roster.close(grace_s):
            self._end(SampleDropped(sample_id))
        self._to_encode.put(None)
        for thread in self._threads:
            thread.join(JOIN_S)

    def _encode(self) -> None:
        while (order := self._to_encode.get()) is not None:
            if not self._roster.is_open(order.sample_id):
                continue
            try:
                self._roster.hand_over(prepare(self._model, self._text, order))
            except UnknownPrompt as error:
                self._end(SampleFailed(order.sample_id, str(error)))
            except Exception:
                log.exception("text encoding failed")
                self._end(SampleFailed(order.sample_id, FAILED))

    def _steps(self) -> None:
        self._loop.run()
        self._to_decode.put(None)

    def _decode(self) -> None:
        while (sample := self._to_decode.get()) is not None:
            if self._roster.is_open(sample.order.sample_id):
                self._end(finish(self._model, sample, self._decode_image))

    def _end(self, event: EngineEvent) -> None:
        """Tell the end of a sample, once: the first to come takes it off the list."""
        if self._roster.leave(event.sample_id):
            self._tell(event)

    def _tell(self, event: EngineEvent) -> None:
        try:
            self._listener(event)
        except Exception:
            log.exception("the engine's listener failed")

    def _observe(self, fact: EngineFact) -> None:
        try:
            self._observer(fact)
        except Exception:
            log.exception("the engine's observer failed")
