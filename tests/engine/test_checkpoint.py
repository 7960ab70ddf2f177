"""Whoever takes a sample over from a checkpoint makes the image of an undisturbed run."""

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from server.engine.checkpoint import CheckpointError, Snapshot, read_checkpoint, write_checkpoint
from server.engine.interface import (
    DeviceLost,
    EngineEvent,
    SampleDropped,
    SampleFinished,
    SampleOrder,
    SampleResumed,
    SampleSaved,
    SampleStepped,
)
from server.engine.loader import LoadedModel
from server.engine.step_engine import StepEngine
from server.request import CacheChoice
from tests.engine.conftest import LIMITS, OFF, Recorder, Start, order
from tests.engine.test_equals_pipeline import pixels_of

PAPER = CacheChoice("custom", 0.5, 0.5, method="paper")
DEFAULT = CacheChoice("custom", 0.3, 0.3, method="default")
TAYLOR = CacheChoice("custom", None, None, method="taylorseer", parameters=(("every", 3), ("order", 2)))
WHOLE = 2**40
NOTHING = 0


class Savings(Recorder):
    """Asks for one sample's state after a certain step, on the step loop's own thread."""

    engine: StepEngine

    def __init__(self, step: int, full_up_to_bytes: int) -> None:
        super().__init__()
        self.step, self.full_up_to_bytes = step, full_up_to_bytes

    def listen(self, event: EngineEvent) -> None:
        if isinstance(event, SampleStepped) and event.step == self.step:
            self.engine.save(event.sample_id, self.full_up_to_bytes)
        super().listen(event)


def saved_and_finished(
    model: LoadedModel, wanted: SampleOrder, step: int, full_up_to_bytes: int = WHOLE
) -> tuple[SampleSaved, SampleFinished]:
    """An undisturbed run, and what it told after ``step`` steps."""
    engine, recorder = StepEngine(model, LIMITS), Savings(step, full_up_to_bytes)
    recorder.engine = engine
    engine.start(recorder.listen, recorder.observe)
    try:
        engine.submit(wanted)
        return recorder.saved(wanted.sample_id), recorder.finished(wanted.sample_id)
    finally:
        engine.stop(0.0)


def taken_up(start: Start, model: LoadedModel, wanted: SampleOrder, content: bytes) -> tuple[Recorder, Any]:
    engine, recorder = start(model)
    engine.submit(replace(wanted, checkpoint=content))
    return recorder, recorder.finished(wanted.sample_id)


@pytest.mark.parametrize("name", ["dev", "klein", "distilled", "flux2_dev"])
@pytest.mark.parametrize("cache", [OFF, PAPER, DEFAULT, TAYLOR], ids=lambda cache: cache.method)
def test_a_sample_that_is_taken_up_in_full_is_what_an_undisturbed_one_is(
    name: str, cache: CacheChoice, request: pytest.FixtureRequest, start: Start
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    wanted = order("a", steps=7, cache=cache)
    saved, undisturbed = saved_and_finished(model, wanted, step=4)
    assert (saved.step, saved.is_exact) == (4, True)
    recorder, image = taken_up(start, model, wanted, saved.content)
    assert SampleResumed("a", 4, True) in recorder.events
    assert recorder.steps("a") == 3
    assert image.counts == undisturbed.counts
    assert np.abs(pixels_of(image) - pixels_of(undisturbed)).max() <= 1


def test_above_the_limit_only_latents_are_kept_and_the_next_step_is_a_full_one(
    dev: LoadedModel, start: Start
) -> None:
    wanted = order("a", steps=8, cache=CacheChoice("custom", 9.0, 9.0, method="paper"))
    whole, undisturbed = saved_and_finished(dev, wanted, step=4)
    saved, _ = saved_and_finished(dev, wanted, step=4, full_up_to_bytes=NOTHING)
    assert len(saved.content) < len(whole.content) and not saved.is_exact
    recorder, image = taken_up(start, dev, wanted, saved.content)
    assert SampleResumed("a", 4, False) in recorder.events
    assert image.counts.steps == 8
    assert image.counts.full == undisturbed.counts.full + 1


def test_without_a_cache_the_latents_alone_are_exact(dev: LoadedModel, start: Start) -> None:
    wanted = order("a", steps=5)
    saved, undisturbed = saved_and_finished(dev, wanted, step=2, full_up_to_bytes=NOTHING)
    assert saved.is_exact
    _, image = taken_up(start, dev, wanted, saved.content)
    assert np.abs(pixels_of(image) - pixels_of(undisturbed)).max() <= 1


@pytest.mark.parametrize(
    "changes", [{"steps": 9}, {"width": 96}, {"cache": DEFAULT}, {"cache": OFF}, {"steps": 4}], ids=str
)
def test_another_sample_s_checkpoint_is_not_taken_up(
    changes: dict[str, Any], dev: LoadedModel, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    saved, _ = saved_and_finished(dev, order("a", steps=7, cache=PAPER), step=5)
    with caplog.at_level(logging.WARNING):
        wanted = order("a", **{"steps": 7, "cache": PAPER, **changes})
        recorder, _ = taken_up(start, dev, wanted, saved.content)
    assert recorder.steps("a") == wanted.steps
    assert "starts afresh" in caplog.text


def test_bytes_that_are_no_checkpoint_are_refused_and_cost_no_image(
    dev: LoadedModel, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    whole, _ = saved_and_finished(dev, order("a", cache=PAPER), step=2)
    for content in (b"", b"\x80\x04K\x01.", whole.content[:-1], whole.content.replace(b"point-1", b"point-9")):
        with pytest.raises(CheckpointError):
            read_checkpoint(content, torch.device("cpu"))
    with caplog.at_level(logging.WARNING):
        recorder, _ = taken_up(start, dev, order("b"), b"nonsense")
    assert recorder.steps("b") == 4


def test_a_snapshot_costs_its_tensors_and_little_more(dev: LoadedModel) -> None:
    saved, _ = saved_and_finished(dev, order("a", width=128, height=128, cache=PAPER), step=2)
    checkpoint = read_checkpoint(saved.content, torch.device("cpu"))
    state = Snapshot("a", 2, checkpoint.latents, checkpoint.caches)
    assert state.nbytes <= len(saved.content) <= state.nbytes + 8192
    again, is_exact = write_checkpoint(state, WHOLE)
    assert is_exact and torch.equal(read_checkpoint(again, torch.device("cpu")).latents, state.latents)


def test_a_sample_that_has_ended_is_not_saved(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(dev)
    engine.save("nobody", WHOLE)
    engine.submit(order("a"))
    recorder.finished("a")
    engine.save("a", WHOLE)
    engine.submit(order("nobody"))
    recorder.finished("nobody")
    assert not recorder.saves("a") and not recorder.saves("nobody")


def test_a_lost_device_is_told_and_drops_everything(
    dev: LoadedModel, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    def lost(*_: object) -> bytes:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    engine, recorder = start(dev, decode_image=lost)
    engine.submit(order("a", steps=1))
    engine.submit(order("b", steps=1000))
    recorder.dropped("b")
    recorder.dropped("a")
    told = [event for event in recorder.events if isinstance(event, DeviceLost)]
    assert told == [DeviceLost("RuntimeError: CUDA error: an illegal memory access was encountered", ("a",))]
    assert engine.free_slots() == 0
    engine.submit(order("c"))
    assert recorder.dropped("c") == SampleDropped("c")


def test_running_out_of_memory_is_no_lost_device(dev: LoadedModel, start: Start) -> None:
    def short(*_: object) -> bytes:
        raise torch.OutOfMemoryError("CUDA error: out of memory")

    engine, recorder = start(dev, decode_image=short)
    engine.submit(order("a"))
    recorder.failed("a")
    assert engine.free_slots() > 0
