"""A fake engine that takes its orders step by step, as the real one does, without a model.

It keeps the contract of ``Engine``: one thread, ticks, cancellation, checkpoints, one end a sample. What
a step does beside counting, its subclasses say (``faulty.py``).
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from server.engine.device_error import DeviceFault
from server.engine.fake import TICK_S, plain_counts, plain_image, plain_row, steps_to_take
from server.engine.interface import (
    FAILED,
    BatchStepped,
    DeviceLost,
    Listener,
    Observer,
    SampleDropped,
    SampleEvent,
    SampleFailed,
    SampleFinished,
    SampleOrder,
    SamplePreviewed,
    SampleResumed,
    SampleSaved,
    SampleStepped,
)
from server.engine.preview_steps import number_of


@dataclass
class FakeSample:
    """An order and the steps done."""

    order: SampleOrder
    step: int = 0


class SteppingEngine:
    """Samples beyond ``max_batch`` wait. Its state of a sample is the number of steps done."""

    def __init__(self, max_batch: int = 8) -> None:
        self._max_batch = max_batch
        self._change = threading.Condition()
        self._samples: dict[str, FakeSample] = {}
        self._saves: set[str] = set()
        self._stopped = False
        self._last_tick_s: float | None = None
        self._thread: threading.Thread | None = None
        self._listener: Listener = lambda event: None

    def step(self, samples: Sequence[FakeSample]) -> None:
        """What a step of these samples does; an exception fails it, DeviceFault the whole engine."""

    def start(self, listener: Listener, observer: Observer) -> None:
        """See Engine. The thread is a daemon: one that hangs does not keep the process."""
        self._listener = listener
        self._thread = threading.Thread(target=self._run, args=(observer,), name="stepping-engine", daemon=True)
        self._thread.start()

    def submit(self, order: SampleOrder) -> None:
        """See Engine."""
        with self._change:
            stopped = self._stopped
            is_new = not stopped and order.sample_id not in self._samples
            if is_new:
                self._samples[order.sample_id] = sample = FakeSample(order)
                self._change.notify_all()
        if stopped:
            self._listener(SampleDropped(order.sample_id))
        if is_new and order.checkpoint is not None:
            sample.step = json.loads(order.checkpoint)["step"]
            self._listener(SampleResumed(order.sample_id, sample.step, True))

    def cancel(self, sample_id: str) -> None:
        """See Engine."""
        self._end(SampleDropped(sample_id))

    def save(self, sample_id: str, full_up_to_bytes: int) -> None:
        """See Engine."""
        with self._change:
            if sample_id in self._samples:
                self._saves.add(sample_id)

    def free_slots(self) -> int:
        """See Engine: the batch less what is in flight."""
        with self._change:
            return 0 if self._stopped else max(0, self._max_batch - len(self._samples))

    @property
    def last_tick_s(self) -> float | None:
        """See Engine."""
        return self._last_tick_s

    def stop(self, grace_s: float) -> None:
        """See Engine. A thread that hangs is left behind."""
        with self._change:
            self._change.wait_for(lambda: not self._samples, timeout=grace_s)
            self._stopped = True
            self._change.notify_all()
        self._drop_all()
        if self._thread is not None:
            self._thread.join(1.0)

    def _run(self, observer: Observer) -> None:
        try:
            while not self._stopped:
                self._last_tick_s = time.monotonic()
                batch = self._batch()
                if not batch:
                    continue
                started_s = time.perf_counter()
                stepped = self._step_safely(batch)
                seconds = time.perf_counter() - started_s
                rows = tuple(plain_row(sample.order, sample.step) for sample in stepped)
                observer(BatchStepped(len(batch), seconds, rows))
                for sample in stepped:
                    self._after_step(sample)
        except DeviceFault as error:
            with self._change:
                self._stopped = True
            self._listener(DeviceLost(str(error), error.sample_ids))
            self._drop_all()

    def _batch(self) -> list[FakeSample]:
        """The running samples; waits a while when there are none."""
        with self._change:
            self._change.wait_for(lambda: self._samples or self._stopped, timeout=TICK_S)
            return [] if self._stopped else list(self._samples.values())[: self._max_batch]

    def _step_safely(self, batch: Sequence[FakeSample]) -> list[FakeSample]:
        """All together, and if that fails each alone: only who fails alone fails."""
        if self._succeeds(partial(self.step, batch)):
            return list(batch)
        stepped = []
        for sample in batch:
            if self._succeeds(partial(self.step, [sample])):
                stepped.append(sample)
            else:
                self._end(SampleFailed(sample.order.sample_id, FAILED))
        return stepped

    def _succeeds(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except DeviceFault:
            raise
        except Exception:
            return False
        return True

    def _after_step(self, sample: FakeSample) -> None:
        outcome = plain_row(sample.order, sample.step).outcome
        sample.step += 1
        sample_id, steps = sample.order.sample_id, steps_to_take(sample.order)
        with self._change:
            is_open, is_asked = sample_id in self._samples, sample_id in self._saves
            self._saves.discard(sample_id)
        if not is_open:
            return
        self._listener(SampleStepped(sample_id, sample.step, steps, (outcome,)))
        number = number_of(sample.step, steps, sample.order.partial_images)
        if number is not None:
            self._listener(SamplePreviewed(sample_id, number, plain_image(sample.order)))
        if sample.step >= steps:
            self._end(finished(sample.order))
        elif is_asked:
            content = json.dumps({"step": sample.step}).encode()
            self._listener(SampleSaved(sample_id, sample.step, content, True))

    def _drop_all(self) -> None:
        for sample_id in list(self._samples):
            self._end(SampleDropped(sample_id))

    def _end(self, event: SampleEvent) -> None:
        """Tell the sample's end, once."""
        with self._change:
            was_open = self._samples.pop(event.sample_id, None) is not None
            self._saves.discard(event.sample_id)
            self._change.notify_all()
        if was_open:
            self._listener(event)


def finished(order: SampleOrder) -> SampleFinished:
    """An image told by the order's seed, which costs nothing."""
    return SampleFinished(
        order.sample_id,
        image=plain_image(order),
        counts=plain_counts(order),
        encode_ms=0.0,
        denoise_ms=0.0,
        decode_ms=0.0,
        text_tokens=len(order.prompt.split()),
    )
