"""Writes samples' states on a thread of its own; the step loop only hands references over."""

import logging
import queue
import threading
from collections.abc import Callable

import torch

from server.engine.checkpoint import Snapshot, snapshot, write_checkpoint
from server.engine.interface import EngineEvent, SampleSaved
from server.engine.sample import Sample

log = logging.getLogger(__name__)


class Saver:
    """Who asked for which sample, and the thread that writes. ``tell`` is called on that thread."""

    def __init__(self, tell: Callable[[EngineEvent], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._asked: dict[str, int] = {}
        self._to_write: queue.SimpleQueue[tuple[Snapshot, int] | None] = queue.SimpleQueue()

    def ask(self, sample_id: str, full_up_to_bytes: int) -> None:
        """The sample is to be saved at its next border; asked twice before that is once."""
        with self._lock:
            self._asked[sample_id] = full_up_to_bytes

    def forget(self, sample_id: str) -> None:
        """The sample has ended."""
        with self._lock:
            self._asked.pop(sample_id, None)

    def offer(self, sample: Sample) -> None:
        """Called by the step loop between two steps."""
        with self._lock:
            limit = self._asked.pop(sample.order.sample_id, None)
        if limit is not None:
            self._to_write.put((snapshot(sample), limit))

    def close(self) -> None:
        """Let the thread end when it is through."""
        self._to_write.put(None)

    @torch.inference_mode()
    def run(self) -> None:
        """Until closed. On CUDA the copies wait for the step that is under way, the step loop does not."""
        while (item := self._to_write.get()) is not None:
            state, limit = item
            try:
                content, is_exact = write_checkpoint(state, limit)
            except Exception:
                log.exception("a sample could not be saved")
                continue
            self._tell(SampleSaved(state.sample_id, state.step, content, is_exact))
