"""What the engine's three threads share, under one lock: which samples have no end yet, and who may be stepped."""

import threading

from server.engine.interface import SampleOrder
from server.engine.sample import Sample


class Roster:
    """A sample enters once and leaves once; whoever takes it off the list tells its end.

    Between the two it is *before its last step* until the step loop is through with it.
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._open: set[str] = set()
        self._before_last_step: set[str] = set()
        self._ready: list[Sample] = []
        self._closing = False
        self._is_crowded = False

    def enter(self, order: SampleOrder) -> bool:
        """Take the sample in. False where it is in already."""
        with self._change:
            if order.sample_id in self._open:
                return False
            self._open.add(order.sample_id)
            self._before_last_step.add(order.sample_id)
            return True

    def leave(self, sample_id: str) -> bool:
        """Take the sample off. True for the first to ask, who has to tell its end."""
        with self._change:
            was_open = sample_id in self._open
            self._open.discard(sample_id)
            self._before_last_step.discard(sample_id)
            self._change.notify_all()
            return was_open

    def is_open(self, sample_id: str) -> bool:
        """False once the sample has ended, by cancellation for instance."""
        with self._change:
            return sample_id in self._open

    def has_stepped(self, sample_id: str) -> None:
        """The sample's steps are done; it waits for its decoding."""
        with self._change:
            self._before_last_step.discard(sample_id)

    def free_slots(self, max_batch: int) -> int:
        """A batch, and half a batch more whose prompts are encoded meanwhile, less what is before its last step.

        Decoding that lags by two batches takes no more in, or what waits for it would have no bound. Nor is
        anything wanted while a sample waits for memory.
        """
        with self._change:
            lags = len(self._open) - len(self._before_last_step) >= 2 * max_batch
            wanted = max_batch + max(1, max_batch // 2)
            return 0 if self._closing or lags or self._is_crowded else max(0, wanted - len(self._before_last_step))

    def crowded(self, is_crowded: bool) -> None:
        """Whether there are samples that wait for memory and not for a place in the batch."""
        with self._change:
            self._is_crowded = is_crowded

    def hand_over(self, sample: Sample) -> None:
        """From text encoding to the step loop."""
        with self._change:
            self._ready.append(sample)
            self._change.notify_all()

    def take_over(self) -> list[Sample]:
        """What was handed over since the last call."""
        with self._change:
            ready, self._ready = self._ready, []
            return ready

    def wait_for_news(self, timeout_s: float) -> None:
        """Return when something can be taken over, when all is over, or after the time-out."""
        with self._change:
            self._change.wait_for(lambda: self._ready or self._is_over(), timeout=timeout_s)

    @property
    def is_over(self) -> bool:
        """True when the roster is closed and empty."""
        with self._change:
            return self._is_over()

    @property
    def is_closing(self) -> bool:
        """True once ``close`` was called: nobody is to enter any more."""
        with self._change:
            return self._closing

    def close(self, grace_s: float) -> list[str]:
        """Let what is open end for up to ``grace_s`` seconds; returns who is left."""
        with self._change:
            self._closing = True
            self._change.notify_all()
            self._change.wait_for(lambda: not self._open, timeout=grace_s)
            return sorted(self._open)

    def _is_over(self) -> bool:
        return self._closing and not self._open
