"""A fake engine whose steps wait for the test."""

import threading
import time
from collections.abc import Sequence

from server.engine.fake_stepping import FakeSample, SteppingEngine

LOOK_EACH_S = 0.02


class ByHand(SteppingEngine):
    """Steps at once while ``is_free``, else as many times as ``allow`` said."""

    def __init__(self, max_batch: int = 1) -> None:
        super().__init__(max_batch)
        self.is_free = threading.Event()
        self._steps = threading.Semaphore(0)

    def allow(self, steps: int) -> None:
        """That many more steps of the batch."""
        self._steps.release(steps)

    def hold(self) -> None:
        """No step from now on, but for those that ``allow`` says."""
        self.is_free.clear()
        while self._steps.acquire(blocking=False):
            pass

    def step(self, samples: Sequence[FakeSample]) -> None:
        """Wait, and show that the loop is alive."""
        while not self.is_free.is_set() and not self._steps.acquire(timeout=LOOK_EACH_S):
            self._last_tick_s = time.monotonic()
            if self._stopped:
                return
