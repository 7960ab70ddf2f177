"""Faults, cancellations and ends stay where they belong; the loop goes on."""

import logging
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from h2cache.family import Conditioning, Streams
from h2cache.flux1 import Flux1
from server.engine.interface import FAILED, SampleFinished, SampleStepped
from server.engine.loader import LoadedModel
from server.engine.step_engine import StepEngine
from server.engine.text_encoder import TextEncoder
from tests.engine.conftest import LIMITS, Start, order
from tests.tiny_flux import TEXT_LENGTH


def failing_on(model: LoadedModel, prompt: str) -> LoadedModel:
    """The model with a first block that fails for every batch in which a row has this prompt."""
    tokens = TextEncoder(model, TEXT_LENGTH, 0).encode(prompt).tokens
    with torch.inference_mode():
        marked = model.pipeline.transformer.context_embedder(tokens)
    assert isinstance(model.flux, Flux1)
    first, *rest = model.flux.blocks

    def run(streams: Streams, conditioning: Conditioning) -> Streams:
        if (streams.txt - marked).abs().amax((1, 2)).min() < 1e-5:
            raise RuntimeError("out of memory, as it were")
        return first(streams, conditioning)

    return replace(model, flux=replace(model.flux, blocks=[run, *rest]))


def test_a_failing_sample_fails_alone_and_the_engine_goes_on(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(failing_on(dev, "a sick cat"))
    for wanted in (order("well", steps=20), order("sick", steps=20, prompt="a sick cat"), order("too", steps=20)):
        engine.submit(wanted)
    assert recorder.failed("sick").message == FAILED
    assert recorder.finished("well").counts.steps == 20
    assert recorder.finished("too").counts.steps == 20


@pytest.fixture
def no_log_records() -> Iterator[None]:
    """pytest keeps log records, and those keep the exception's frames, which is what is tested here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("no_log_records")
def test_a_failed_step_s_tensors_are_free_when_its_samples_are_tried_alone(dev: LoadedModel, start: Start) -> None:
    assert isinstance(dev.flux, Flux1)
    first, *rest = dev.flux.blocks
    lost: list[weakref.ref[torch.Tensor]] = []
    alive: list[bool] = []

    def fails_in_company(streams: Streams, conditioning: Conditioning) -> Streams:
        alive.append(any(tensor() is not None for tensor in lost))
        if len(streams.img) > 1:
            activations = torch.zeros(8)
            lost.append(weakref.ref(activations))
            raise RuntimeError("out of memory, as it were")
        return first(streams, conditioning)

    engine, recorder = start(replace(dev, flux=replace(dev.flux, blocks=[fails_in_company, *rest])))
    for i in range(3):
        engine.submit(order(str(i), steps=20))
    for i in range(3):
        recorder.finished(str(i))
    assert lost
    assert not any(alive)


def test_a_cancelled_sample_is_dropped_within_two_steps(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(dev)
    engine.submit(order("long", steps=100_000))
    recorder.wait(lambda: recorder.steps("long") >= 3)
    engine.cancel("long")
    recorder.dropped("long")
    turns = len(recorder.batches)
    engine.submit(order("next", steps=4))
    recorder.finished("next")
    assert sum(step.batch_size for step in recorder.batches[turns:]) <= 4 + 2
    assert engine.free_slots() == LIMITS.max_batch + LIMITS.max_batch // 2


def test_every_sample_ends_exactly_once_whatever_is_cancelled_when(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(dev)
    for i in range(24):
        engine.submit(order(str(i), steps=1 + i % 5, seed=i))
        if i % 3 == 0:
            engine.cancel(str(i - i % 2))
        engine.cancel("unknown")
    recorder.wait(lambda: len(recorder.ends()) == 24)
    engine.stop(30.0)
    assert sorted(int(event.sample_id) for event in recorder.ends()) == list(range(24))


def test_stopping_lets_running_samples_end_within_the_grace(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(dev)
    engine.submit(order("short", steps=10))
    recorder.wait(lambda: recorder.steps("short") >= 1)
    engine.stop(60.0)
    recorder.finished("short")
    engine.submit(order("late"))
    recorder.dropped("late")


def test_stopping_without_grace_drops_the_rest(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(dev)
    engine.submit(order("long", steps=100_000))
    recorder.wait(lambda: recorder.steps("long") >= 1)
    engine.stop(0.0)
    recorder.dropped("long")


def test_the_loop_ticks_when_idle(dev: LoadedModel, start: Start) -> None:
    engine, _ = start(dev)
    seen: set[float] = set()
    ticked = threading.Event()
    while len(seen) < 3:
        if engine.last_tick_s is not None:
            seen.add(engine.last_tick_s)
        ticked.wait(0.01)
    assert len(seen) == 3


def test_a_listener_that_fails_does_not_stop_the_loop(dev: LoadedModel) -> None:
    engine, ends, done = StepEngine(dev, LIMITS), [], threading.Event()

    def listen(event: object) -> None:
        if isinstance(event, SampleStepped):
            raise ValueError("a bad listener")
        ends.append(event)
        done.set()

    engine.start(listen, lambda step: None)
    engine.submit(order("x"))
    assert done.wait(60)
    engine.stop(0.0)
    assert isinstance(ends[0], SampleFinished)
