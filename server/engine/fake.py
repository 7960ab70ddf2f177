"""An engine without a model: it answers at once with a small real image. For tests, clients and benchmarks.

It keeps the whole contract of ``Engine``: own thread, ticks, cancellation, one terminal event a sample.
"""

import threading
import time
from collections.abc import Sequence
from io import BytesIO

from PIL import Image

from server.engine.interface import (
    FAILED,
    BatchStepped,
    Listener,
    Observer,
    RowStepped,
    SampleDropped,
    SampleFailed,
    SampleFinished,
    SampleOrder,
    SamplePreviewed,
    SampleStepped,
)
from server.engine.metadata import exif_of_order
from server.engine.paste import pasted
from server.engine.preview_steps import preview_steps
from server.request import CacheCounts
from server.strength import first_step

BLOCKS_A_STEP = 15
BLOCKS_OF_A_HIT = 2
TICK_S = 0.2
HELD_TICK_S = 0.02


class InstantEngine:
    """Answers every order with a one-colored image of its seed.

    While ``hold`` is given and not set, orders wait (and can be cancelled). An order whose prompt contains
    ``fail_on`` fails. Under a cache every second step is a structure hit.
    """

    def __init__(
        self, max_batch: int = 8, hold: threading.Event | None = None, fail_on: str | None = None
    ) -> None:
        self._max_batch = max_batch
        self._hold = hold
        self._fail_on = fail_on
        self._wakeup = threading.Condition()
        self._pending: dict[str, SampleOrder] = {}
        self._cancelled: set[str] = set()
        self._stopped = False
        self._last_tick_s: float | None = None
        self._thread: threading.Thread | None = None
        self._listener: Listener | None = None

    def start(self, listener: Listener, observer: Observer) -> None:
        """Start the one thread."""
        self._listener = listener
        self._thread = threading.Thread(target=self._run, args=(listener, observer), name="instant-engine")
        self._thread.start()

    def submit(self, order: SampleOrder) -> None:
        """Take an order; it is answered on the engine's thread."""
        with self._wakeup:
            stopped = self._stopped
            if not stopped:
                self._pending.setdefault(order.sample_id, order)
                self._wakeup.notify_all()
        if stopped and self._listener is not None:
            self._listener(SampleDropped(order.sample_id))

    def cancel(self, sample_id: str) -> None:
        """Drop the sample if it still waits."""
        with self._wakeup:
            self._cancelled.add(sample_id)
            self._wakeup.notify_all()

    def save(self, sample_id: str, full_up_to_bytes: int) -> None:
        """Its samples are never between two steps."""

    def free_slots(self) -> int:
        """The batch less what waits."""
        with self._wakeup:
            return 0 if self._stopped else max(0, self._max_batch - len(self._pending))

    @property
    def last_tick_s(self) -> float | None:
        """``time.monotonic()`` of the last turn."""
        return self._last_tick_s

    def stop(self, grace_s: float) -> None:
        """Wait for the pending orders up to the grace, drop the rest, join the thread."""
        with self._wakeup:
            self._wakeup.wait_for(lambda: not self._pending, timeout=grace_s)
            self._cancelled |= self._pending.keys()
            self._stopped = True
            self._wakeup.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self, listener: Listener, observer: Observer) -> None:
        while True:
            with self._wakeup:
                self._last_tick_s = time.monotonic()
                dropped, ready = self._take()
                stopped = self._stopped
                self._wakeup.notify_all()
            for sample_id in dropped:
                listener(SampleDropped(sample_id))
            self._answer(ready, listener, observer)
            if stopped:
                return
            self._wait()

    def _take(self) -> tuple[list[str], list[SampleOrder]]:
        """Take out the cancelled orders and, unless held, up to a batch of the others."""
        dropped = [sample_id for sample_id in self._cancelled if self._pending.pop(sample_id, None)]
        self._cancelled.clear()
        if self._is_held():
            return dropped, []
        ready = list(self._pending.values())[: self._max_batch]
        for order in ready:
            del self._pending[order.sample_id]
        return dropped, ready

    def _wait(self) -> None:
        if self._pending and self._hold is not None:
            self._hold.wait(HELD_TICK_S)
            return
        with self._wakeup:
            self._wakeup.wait_for(lambda: self._pending or self._cancelled or self._stopped, timeout=TICK_S)

    def _is_held(self) -> bool:
        return self._hold is not None and not self._hold.is_set()

    def _answer(self, orders: Sequence[SampleOrder], listener: Listener, observer: Observer) -> None:
        for step in range(max(map(steps_to_take, orders), default=0)):
            rows = tuple(plain_row(order, step) for order in orders if step < steps_to_take(order))
            observer(BatchStepped(len(rows), 0.0, rows))
        for order in orders:
            if self._fail_on is not None and self._fail_on in order.prompt:
                listener(SampleFailed(order.sample_id, FAILED))
                continue
            num_steps = steps_to_take(order)
            listener(SampleStepped(order.sample_id, num_steps, num_steps))
            for number in range(len(preview_steps(num_steps, order.partial_images))):
                listener(SamplePreviewed(order.sample_id, number, plain_image(order)))
            listener(
                SampleFinished(
                    order.sample_id,
                    image=plain_image(order),
                    counts=plain_counts(order),
                    encode_ms=0.0,
                    denoise_ms=0.0,
                    decode_ms=0.0,
                    text_tokens=len(order.prompt.split()),
                )
            )


def plain_image(order: SampleOrder) -> bytes:
    """An image of the order's size and format in a color told by its seed, within what a mask keeps.

    It tells what made it.
    """
    color = (order.seed % 256, order.seed // 256 % 256, order.seed // 65536 % 256)
    image = Image.new("RGB", (order.width, order.height), color)
    if order.inputs is not None:
        image = pasted(image, order.inputs)
    buffer = BytesIO()
    image.save(buffer, order.output_format.value, exif=exif_of_order(order, plain_counts(order)))
    return buffer.getvalue()


def steps_to_take(order: SampleOrder) -> int:
    """All, or those that an image to start from leaves."""
    return order.steps - first_step(order.steps, None if order.inputs is None else order.inputs.strength)


def plain_row(order: SampleOrder, step: int) -> RowStepped:
    """Step ``step`` of the order, counted from 0, as ``plain_counts`` counts it."""
    is_hit = not order.cache.is_off and step % 2 == 1
    blocks_run = BLOCKS_OF_A_HIT if is_hit else BLOCKS_A_STEP
    outcome = "structure_hit" if is_hit else "full"
    return RowStepped(order.cache, outcome, blocks_run, BLOCKS_A_STEP, blocks_run / BLOCKS_A_STEP)


def plain_counts(order: SampleOrder) -> CacheCounts:
    """All steps full when the cache is off, else every second one a structure hit."""
    steps = steps_to_take(order)
    hits = 0 if order.cache.is_off else steps // 2
    full = steps - hits
    blocks_run = full * BLOCKS_A_STEP + hits * BLOCKS_OF_A_HIT
    total = steps * BLOCKS_A_STEP
    return CacheCounts(
        steps=steps,
        full=full,
        detail_hits=0,
        structure_hits=hits,
        blocks_run=blocks_run,
        blocks_total=total,
        flops_ratio=blocks_run / total,
    )
