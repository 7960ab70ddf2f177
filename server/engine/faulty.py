"""Fake engines that go wrong as told, for tests in processes of their own (``h2serve worker --engine``).

A prompt that contains the word ``poison`` is what they stumble over; other samples are made in peace.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence

from server.engine.device_error import DeviceFault
from server.engine.fake import InstantEngine
from server.engine.fake_stepping import FakeSample, SteppingEngine
from server.engine.interface import Engine
from server.engine.metronome import Metronome
from server.errors import SettingsError

POISON = "poison"
AT_STEP = 2
"""Steps that a poisoned sample has behind it when it strikes."""
log = logging.getLogger(__name__)


class SlowStep(SteppingEngine):
    """Each step takes ``step_s`` seconds, whatever is in it."""

    def __init__(self, max_batch: int = 8, step_s: float = 0.05) -> None:
        super().__init__(max_batch)
        self._step_s = step_s
        self._never = threading.Event()

    def step(self, samples: Sequence[FakeSample]) -> None:
        """Sleep. time.sleep itself fails in a process to which libfaketime gives another clock."""
        self._never.wait(self._step_s)


class DiesMidStep(SlowStep):
    """Kills its own process as kill -9 does, in a step of a poisoned sample."""

    def step(self, samples: Sequence[FakeSample]) -> None:
        """Die, or sleep."""
        if strikes(samples):
            os.kill(os.getpid(), signal.SIGKILL)
        super().step(samples)


class HangsOnStep(SlowStep):
    """Stops in a step of a poisoned sample and goes on after ``hang_s`` seconds, once in its life."""

    def __init__(self, max_batch: int = 8, step_s: float = 0.05, hang_s: float = 3600.0) -> None:
        super().__init__(max_batch, step_s)
        self._hang_s = hang_s
        self.has_hung = threading.Event()

    def step(self, samples: Sequence[FakeSample]) -> None:
        """Hang, or sleep."""
        if strikes(samples) and not self.has_hung.is_set():
            self.has_hung.set()
            time.sleep(self._hang_s)
        super().step(samples)


class OutOfMemoryOnce(SlowStep):
    """Its first step of two samples or more finds no memory; alone each of them fits."""

    def __init__(self, max_batch: int = 8, step_s: float = 0.05) -> None:
        super().__init__(max_batch, step_s)
        self.was_short = threading.Event()

    def step(self, samples: Sequence[FakeSample]) -> None:
        """Fail once, else sleep."""
        if len(samples) > 1 and not self.was_short.is_set():
            self.was_short.set()
            log.warning("no memory for a step of %d samples", len(samples))
            raise MemoryError(f"no memory for a step of {len(samples)} samples")
        super().step(samples)


class LosesDevice(SlowStep):
    """A step of a poisoned sample leaves the device useless."""

    def step(self, samples: Sequence[FakeSample]) -> None:
        """Lose it, or sleep."""
        if strikes(samples):
            raise DeviceFault("CUDA error: fake", tuple(sample.order.sample_id for sample in samples))
        super().step(samples)


ENGINES: dict[str, Callable[..., Engine]] = {
    "instant": InstantEngine,
    "slow-step": SlowStep,
    "dies-mid-step": DiesMidStep,
    "hangs-on-step": HangsOnStep,
    "out-of-memory-once": OutOfMemoryOnce,
    "loses-device": LosesDevice,
    "metronome": Metronome,
}
"""By the names that ``fake_engine`` knows; instant and metronome do nothing wrong."""


def strikes(samples: Sequence[FakeSample]) -> bool:
    """True when a poisoned sample has done its peaceful steps."""
    return any(POISON in sample.order.prompt and sample.step >= AT_STEP for sample in samples)


def fake_engine(wanted: str, max_batch: int) -> Engine:
    """An engine of a name with numbers, such as ``slow-step:step_s=0.2``. SettingsError for any other words."""
    name, _, given = wanted.partition(":")
    if name not in ENGINES:
        raise SettingsError(f"engine {name[:64]!r} is unknown, allowed are {', '.join(ENGINES)}")
    try:
        options = {key: float(value) for key, value in (pair.split("=") for pair in given.split(",") if pair)}
        return ENGINES[name](max_batch, **options)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"engine {wanted[:64]!r} cannot be made: {error}") from error
