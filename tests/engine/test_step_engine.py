"""Mixed samples share one forward and nothing else; faults and cancellations stay where they belong."""

import logging
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from h2cache.family import Conditioning, Streams
from h2cache.flux1 import Flux1
from server.engine.batch import denoise, gather, scatter
from server.engine.finish import NON_FINITE, decode_and_encode
from server.engine.interface import FAILED, SampleFinished, SampleOrder, SampleStepped
from server.engine.loader import LoadedModel
from server.engine.prepare import prepare
from server.engine.sample import Sample, cache_counts
from server.engine.step_engine import StepEngine
from server.engine.text_encoder import TextEncoder
from server.image_metadata import read_metadata
from server.request import CacheChoice
from tests.engine.conftest import LIMITS, Recorder, Start, order
from tests.engine.test_equals_pipeline import pixels_of
from tests.tiny_flux import TEXT_LENGTH


def rule(tau1: float, tau2: float, **guards: Any) -> CacheChoice:
    return CacheChoice("custom", tau1, tau2, **guards, method="paper")


MIXED = [
    order("a", steps=8, guidance=1.0, seed=1, cache=rule(0.5, 0.5)),
    order("b", steps=5, guidance=5.0, seed=2, cache=rule(0.2, 0.9, warmup=2)),
    order("c", steps=3, guidance=3.5, seed=3),
    order("d", steps=8, guidance=2.0, seed=4, cache=rule(0.9, 0.9, max_consecutive=1, last_full=True), prompt="b"),
    order("e", steps=6, seed=5, cache=rule(0.6, 0.3), width=96),
    order("f", steps=4, seed=6, cache=rule(0.6, 0.3), width=96),
]


@pytest.mark.parametrize("name", ["dev", "klein", "distilled", "flux2_dev"])
def test_samples_in_one_batch_are_what_each_is_alone(
    name: str, request: pytest.FixtureRequest, start: Start
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    together, mixed = start(model)
    for wanted in MIXED:
        together.submit(wanted)
    for wanted in MIXED:
        alone, single = start(model)
        alone.submit(wanted)
        mine, others = single.finished(wanted.sample_id), mixed.finished(wanted.sample_id)
        assert mine.counts == others.counts
        assert np.abs(pixels_of(mine) - pixels_of(others)).max() <= 1
    assert max(step.batch_size for step in mixed.batches) >= 3
    assert {row.outcome for step in mixed.batches for row in step.rows} >= {"full", "structure_hit"}


@pytest.mark.parametrize(("name", "rows"), [("dev", 1), ("klein", 2)])
def test_the_outcomes_that_are_told_step_by_step_are_those_that_are_counted(
    name: str, rows: int, request: pytest.FixtureRequest, start: Start
) -> None:
    engine, recorder = start(request.getfixturevalue(name))
    for wanted in MIXED:
        engine.submit(replace(wanted, guidance=4.0))
    for wanted in MIXED:
        counts = recorder.finished(wanted.sample_id).counts
        told = [
            event.outcomes
            for event in recorder.events
            if isinstance(event, SampleStepped) and event.sample_id == wanted.sample_id
        ]
        assert [len(outcomes) for outcomes in told] == [rows] * wanted.steps
        flat = [outcome for outcomes in told for outcome in outcomes]
        assert flat.count("full") == counts.full
        assert flat.count("detail_hit") == counts.detail_hits
        assert flat.count("structure_hit") == counts.structure_hits


def test_a_sample_that_joins_later_changes_nobody(dev: LoadedModel, start: Start) -> None:
    first = order("first", steps=30, cache=rule(0.5, 0.5))
    engine, recorder = start(dev)
    engine.submit(first)
    recorder.wait(lambda: recorder.steps("first") >= 2)
    engine.submit(MIXED[1])
    alone, single = start(dev)
    alone.submit(first)
    for wanted in (first, MIXED[1]):
        assert isinstance(recorder.finished(wanted.sample_id), SampleFinished)
    assert recorder.finished("first").counts == single.finished("first").counts
    assert np.abs(pixels_of(recorder.finished("first")) - pixels_of(single.finished("first"))).max() <= 1


def test_a_held_decode_does_not_hold_the_step_loop(dev: LoadedModel, start: Start) -> None:
    hold = threading.Event()

    def held(model: LoadedModel, sample: Sample) -> bytes:
        if sample.order.sample_id == "held":
            assert hold.wait(60)
        return decode_and_encode(model, sample)

    engine, recorder = start(dev, decode_image=held)
    engine.submit(order("held", steps=1))
    recorder.wait(lambda: recorder.steps("held") == 1)
    engine.submit(order("other", steps=6))
    recorder.wait(lambda: recorder.steps("other") == 6)
    assert not recorder.ends()
    hold.set()
    recorder.finished("held")
    recorder.finished("other")


def test_a_lagging_decoder_takes_no_more_in_and_holds_no_cache_state(dev: LoadedModel, start: Start) -> None:
    hold, held_bytes = threading.Event(), []

    def held(model: LoadedModel, sample: Sample) -> bytes:
        assert hold.wait(60)
        held_bytes.append(sum(cache.nbytes for cache in sample.caches))
        return decode_and_encode(model, sample)

    engine, recorder = start(dev, replace(LIMITS, max_batch=2), decode_image=held)
    ids = [str(i) for i in range(4)]
    for sample_id in ids:
        engine.submit(order(sample_id, steps=2, cache=rule(0.1, 0.1)))
    recorder.wait(lambda: all(recorder.steps(sample_id) == 2 for sample_id in ids))
    engine.submit(order("next", steps=1000))
    recorder.wait(lambda: recorder.steps("next") >= 1)
    assert engine.free_slots() == 0
    engine.cancel("next")
    hold.set()
    for sample_id in ids:
        assert recorder.finished(sample_id).counts.steps == 2
    assert held_bytes == [0, 0, 0, 0]
    assert engine.free_slots() > 0


def test_the_fourth_sample_waits_where_the_budget_is_for_three(dev: LoadedModel, start: Start) -> None:
    cached = rule(0.0, 0.0)
    one = prepared(dev, order("x", cache=cached, steps=12)).needed_bytes
    engine, recorder = start(dev, replace(LIMITS, memory_budget_bytes=int(3.5 * one)))
    for i in range(5):
        engine.submit(order(str(i), steps=12, cache=cached, seed=i))
    recorder.wait(lambda: recorder.steps("0") > 0 and engine.free_slots() == 0)
    for i in range(5):
        recorder.finished(str(i))
    assert max(step.batch_size for step in recorder.batches) == 3
    assert engine.free_slots() > 0, "nobody waits for memory any more"


def test_a_sample_over_the_whole_budget_runs_alone_rather_than_never(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(dev, replace(LIMITS, memory_budget_bytes=1))
    for i in range(2):
        engine.submit(order(str(i)))
    for i in range(2):
        recorder.finished(str(i))
    assert {step.batch_size for step in recorder.batches} == {1}


def prepared(model: LoadedModel, wanted: SampleOrder) -> Sample:
    return prepare(model, TextEncoder(model, TEXT_LENGTH, 2**20), wanted)


@pytest.mark.parametrize(
    "cache", [rule(0.1, 0.1), CacheChoice("off", None, None, method="off")], ids=["cached", "off"]
)
@pytest.mark.parametrize("width", [64, 1024])
@pytest.mark.parametrize("name", ["dev", "klein"])
def test_the_byte_formula_is_within_a_tenth_of_the_tensors(
    name: str, request: pytest.FixtureRequest, cache: CacheChoice, width: int
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    sample = prepared(model, order("x", width=width, height=64, cache=cache))
    batch = gather(model, [sample])
    scatter(batch, denoise(model, batch))
    assert sample.needed_bytes == pytest.approx(sample.nbytes, rel=0.1)


def test_under_classifier_free_guidance_each_of_two_rows_has_a_cache_and_decisions_of_its_own(
    klein: LoadedModel,
) -> None:
    wanted = order("x", steps=12, guidance=4.0, cache=rule(0.72, 1.0))
    sample, alone = prepared(klein, wanted), prepared(klein, replace(wanted, guidance=1.0))
    assert (len(sample.caches), len(alone.caches)) == (2, 1)
    outcomes = []
    for step in range(12):
        assert [cache.step_index for cache in sample.caches] == [step, step]
        batch = gather(klein, [sample, alone] if step == 0 else [sample])
        assert len(batch.inputs.latents) == (3 if step == 0 else 2)
        result = denoise(klein, batch)
        scatter(batch, result)
        outcomes.append([record.outcome for record in result.records[:2]])
    with_prompt, without = zip(*outcomes, strict=True)
    assert with_prompt != without
    counts = cache_counts(sample.caches, 5)
    assert (counts.steps, counts.blocks_total) == (24, 120)
    assert counts.full == sum(outcome == "full" for outcome in (*with_prompt, *without))


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


def test_an_image_that_is_not_finite_is_a_failure_not_a_black_picture(dev: LoadedModel, start: Start) -> None:
    def overflown(model: LoadedModel, sample: Sample) -> bytes:
        sample.latents = sample.latents * float("nan")
        return decode_and_encode(model, sample)

    engine, recorder = start(dev, decode_image=overflown)
    engine.submit(order("x"))
    assert recorder.failed("x").message == NON_FINITE


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


@pytest.mark.parametrize("with_metadata", [True, False])
def test_a_file_tells_what_made_it_unless_that_is_switched_off(dev: LoadedModel, with_metadata: bool) -> None:
    engine = StepEngine(dev, LIMITS, partial(decode_and_encode, with_metadata=with_metadata))
    recorder = Recorder()
    engine.start(recorder.listen, recorder.observe)
    engine.submit(order("x", model="tiny", cache=rule(0.5, 0.5)))
    end = recorder.finished("x")
    engine.stop(0.0)
    if with_metadata:
        read = read_metadata(end.image)
        assert (read.request["model"], read.request["prompt"], read.request["seed"]) == ("tiny", "a red cat", 7)
        assert read.cache["structure_hits"] == end.counts.structure_hits
    else:
        assert b"a red cat" not in end.image
