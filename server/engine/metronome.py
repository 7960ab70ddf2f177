"""A fake engine that steps by the clock, so that everybody on this machine knows when a step was taken."""

import math
import time

from server.engine.fake_stepping import FakeSample, SteppingEngine

GROUP = 8
"""Samples that step together, as a worker's batch does: by their seeds."""
GROUPS = 64
"""Each has its own moment of a second, so that steps come evenly."""


def moment_of(seed: int) -> float:
    """When in each second of ``time.monotonic()`` a sample of this seed steps, from 0 to 1."""
    return (seed // GROUP % GROUPS) / GROUPS


class Metronome(SteppingEngine):
    """Each sample takes a step a second. A moment that comes late is made up for, none is left out."""

    def __init__(self, max_batch: int = 8) -> None:
        super().__init__(max_batch)
        self._turn = math.floor(time.monotonic() * GROUPS)

    def _batch(self) -> list[FakeSample]:
        """Those whose moment is next, at that moment; nobody where the next group has nobody."""
        samples = super()._batch()
        if not samples:
            self._turn = math.floor(time.monotonic() * GROUPS)
            return []
        self._turn += 1
        time.sleep(max(0.0, self._turn / GROUPS - time.monotonic()))
        return [sample for sample in samples if sample.order.seed // GROUP % GROUPS == self._turn % GROUPS]
