"""Images are decoded beside the step loop, and what is no image is a failure."""

import threading
from dataclasses import replace
from functools import partial

import pytest

from server.engine.finish import NON_FINITE, decode_and_encode
from server.engine.loader import LoadedModel
from server.engine.sample import Sample
from server.engine.step_engine import StepEngine
from server.image_metadata import read_metadata
from tests.engine.conftest import LIMITS, Recorder, Start, order
from tests.engine.samples import rule


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


def test_an_image_that_is_not_finite_is_a_failure_not_a_black_picture(dev: LoadedModel, start: Start) -> None:
    def overflown(model: LoadedModel, sample: Sample) -> bytes:
        sample.latents = sample.latents * float("nan")
        return decode_and_encode(model, sample)

    engine, recorder = start(dev, decode_image=overflown)
    engine.submit(order("x"))
    assert recorder.failed("x").message == NON_FINITE


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
