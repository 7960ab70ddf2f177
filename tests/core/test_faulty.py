"""The faulty fakes keep the engine's contract, and go wrong as their names say."""

import multiprocessing
import signal
from collections.abc import Iterator

import pytest

from server.engine.fake_stepping import SteppingEngine
from server.engine.faulty import (
    DiesMidStep,
    HangsOnStep,
    LosesDevice,
    OutOfMemoryOnce,
    SlowStep,
    fake_engine,
)
from server.engine.interface import DeviceLost, Engine, SampleDropped, SampleResumed
from server.errors import SettingsError
from tests.recorder import Recorder, order

FAST = 0.001


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    yield Recorder()


def started(engine: Engine, recorder: Recorder) -> Engine:
    engine.start(recorder.listen, recorder.observe)
    return engine


def test_samples_are_stepped_together_and_each_ends_once(recorder: Recorder) -> None:
    engine = started(SlowStep(2, FAST), recorder)
    for name in "abc":
        engine.submit(order(name, steps=3))
        engine.submit(order(name, steps=3))
    for name in "abc":
        assert recorder.finished(name).counts.steps == 3
        assert recorder.steps(name) == 3
    assert max(step.batch_size for step in recorder.batches) == 2
    engine.stop(1.0)
    engine.submit(order("late"))
    assert recorder.dropped("late") == SampleDropped("late")
    assert engine.free_slots() == 0


def test_a_saved_sample_goes_on_where_it_was(recorder: Recorder) -> None:
    engine = started(SlowStep(8, FAST), recorder)
    engine.submit(order("a", steps=200))
    engine.save("a", 0)
    saved = recorder.saved("a")
    assert saved.is_exact and saved.step >= 1
    image = recorder.finished("a").image
    engine.stop(0.0)
    other = Recorder()
    engine = started(SlowStep(8, FAST), other)
    engine.submit(order("a", steps=200, checkpoint=saved.content))
    assert other.finished("a").image == image
    assert SampleResumed("a", saved.step, True) in other.events
    assert other.steps("a") == 200 - saved.step
    engine.stop(0.0)


def test_cancelled_and_stopped_samples_are_dropped(recorder: Recorder) -> None:
    engine = started(SlowStep(8, FAST), recorder)
    for name in "ab":
        engine.submit(order(name, steps=100_000))
    engine.cancel("a")
    engine.cancel("stranger")
    assert recorder.dropped("a")
    engine.stop(0.0)
    assert recorder.dropped("b")


def test_one_that_hangs_stops_ticking_and_goes_on_later(recorder: Recorder) -> None:
    engine = HangsOnStep(8, FAST, hang_s=0.3)
    started(engine, recorder)
    engine.submit(order("a", prompt="a poison star"))
    assert engine.has_hung.wait(20)
    before = engine.last_tick_s
    assert recorder.finished("a")
    assert engine.last_tick_s != before
    engine.stop(1.0)


def test_one_that_is_short_of_memory_once_makes_every_image(recorder: Recorder) -> None:
    engine = OutOfMemoryOnce(8, FAST)
    started(engine, recorder)
    for name in "ab":
        engine.submit(order(name, steps=300))
    for name in "ab":
        assert recorder.finished(name)
    assert engine.was_short.is_set()
    engine.stop(1.0)


def test_one_that_loses_its_device_says_so_and_drops_everything(recorder: Recorder) -> None:
    engine = LosesDevice(1, FAST)
    started(engine, recorder)
    engine.submit(order("a", prompt="a poison star"))
    engine.submit(order("b"))
    for name in "ab":
        assert recorder.dropped(name)
    assert DeviceLost("CUDA error: fake", ("a",)) in recorder.events
    assert engine.free_slots() == 0
    engine.stop(1.0)


def test_one_that_dies_takes_its_process_along() -> None:
    process = multiprocessing.get_context("spawn").Process(target=die)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def die() -> None:
    recorder = Recorder()
    engine = DiesMidStep(8, FAST)
    started(engine, recorder)
    engine.submit(order("a", prompt="a poison star"))
    recorder.finished("a")


@pytest.mark.parametrize("wanted", ["", "quick", "slow-step:step_s", "slow-step:step_s=x", "slow-step:depth=3"])
def test_an_unknown_fake_is_refused(wanted: str) -> None:
    with pytest.raises(SettingsError):
        fake_engine(wanted, 8)


def test_a_fake_is_made_of_its_name_and_numbers() -> None:
    engine = fake_engine("hangs-on-step:step_s=0.25,hang_s=2", 3)
    assert isinstance(engine, HangsOnStep) and isinstance(engine, SteppingEngine)
    assert engine.free_slots() == 3
