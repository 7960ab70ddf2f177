"""The engine: samples with their own thresholds, steps, guidance and seeds share one forward at a time.

Three threads: text encoding, the step loop, decoding. A sample is handed from one to the next and is owned by one.
A fourth writes down the states of samples that are asked for.
"""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import replace

from server.engine.checkpoint import CheckpointError, read_checkpoint, resume
from server.engine.device_error import DeviceFault, fault_of, is_device_lost
from server.engine.finish import DecodeImage, decode_and_encode, finish
from server.engine.interface import (
    FAILED,
    DeviceLost,
    EngineEvent,
    EngineFact,
    EngineLimits,
    Listener,
    Observer,
    SampleDropped,
    SampleEvent,
    SampleFailed,
    SampleOrder,
    SampleResumed,
)
from server.engine.loader import LoadedModel
from server.engine.memory import default_budget
from server.engine.prepare import prepare
from server.engine.preview import Preview, show
from server.engine.roster import Roster
from server.engine.sample import Sample
from server.engine.saver import Saver
from server.engine.step_loop import StepLoop
from server.engine.text_encoder import TextEncoder
from server.errors import UnknownPrompt

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
        self._saver = Saver(self._tell)
        self._to_encode: queue.SimpleQueue[SampleOrder | None] = queue.SimpleQueue()
        self._to_decode: queue.SimpleQueue[Sample | Preview | None] = queue.SimpleQueue()
        self._loop = StepLoop(
            model,
            self._limits,
            self._roster,
            tell=self._tell,
            end=self._end,
            observe=self._observe,
            decode=self._to_decode.put,
            save=self._saver.offer,
        )
        self._threads: list[threading.Thread] = []

    def start(self, listener: Listener, observer: Observer) -> None:
        """See Engine."""
        self._listener, self._observer = listener, observer
        works = {"encode": self._encode, "steps": self._steps, "decode": self._decode, "save": self._saver.run}
        for name, work in works.items():
            thread = threading.Thread(target=self._until_lost, args=(work,), name=f"engine-{name}", daemon=True)
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

    def save(self, sample_id: str, full_up_to_bytes: int) -> None:
        """See Engine."""
        self._saver.ask(sample_id, full_up_to_bytes)
        if not self._roster.is_open(sample_id):
            self._saver.forget(sample_id)

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
        self._saver.close()
        for thread in self._threads:
            thread.join(JOIN_S)

    def _until_lost(self, work: Callable[[], None]) -> None:
        """Run a thread's work. What it lets through makes the engine useless: everything is dropped."""
        try:
            work()
        except Exception as error:
            log.exception("the engine is lost")
            fault = error if isinstance(error, DeviceFault) else fault_of(error)
            self._tell(DeviceLost(str(fault), fault.sample_ids))
            for sample_id in self._roster.close(0.0):
                self._end(SampleDropped(sample_id))

    def _encode(self) -> None:
        while (order := self._to_encode.get()) is not None:
            if not self._roster.is_open(order.sample_id):
                continue
            try:
                self._roster.hand_over(self._taken_up(prepare(self._model, self._text, order)))
            except UnknownPrompt as error:
                self._end(SampleFailed(order.sample_id, error.message))
            except Exception as error:
                if is_device_lost(error):
                    raise fault_of(error, order.sample_id) from error
                log.exception("text encoding failed")
                self._end(SampleFailed(order.sample_id, FAILED))

    def _taken_up(self, sample: Sample) -> Sample:
        """The sample where its checkpoint left it; one that cannot be read costs the steps done, no more."""
        content = sample.order.checkpoint
        if content is None:
            return sample
        try:
            checkpoint = read_checkpoint(content, self._model.device)
            sample = resume(sample, checkpoint)
        except CheckpointError as error:
            log.warning("sample %s starts afresh: %s", sample.order.sample_id, error)
            return sample
        self._tell(SampleResumed(sample.order.sample_id, sample.step, checkpoint.is_exact))
        return sample

    def _steps(self) -> None:
        try:
            self._loop.run()
        finally:
            self._to_decode.put(None)

    def _decode(self) -> None:
        while (item := self._to_decode.get()) is not None:
            sample = item.sample if isinstance(item, Preview) else item
            if not self._roster.is_open(sample.order.sample_id):
                continue
            if isinstance(item, Preview):
                self._show(item)
            else:
                self._end(finish(self._model, item, self._decode_image))

    def _show(self, preview: Preview) -> None:
        """A preview that cannot be made is left out; the image may still come to be."""
        try:
            self._tell(show(self._model, preview, self._decode_image))
        except DeviceFault:
            raise
        except Exception:
            log.exception("a preview could not be made")

    def _end(self, event: SampleEvent) -> None:
        """Tell the end of a sample, once: the first to come takes it off the list."""
        self._saver.forget(event.sample_id)
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
