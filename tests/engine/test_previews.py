"""Previews: evenly spread, decoded from the predicted clean latents, and no burden to the sample."""

import threading
from io import BytesIO

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from server.engine.batch import denoise, gather, guided, scatter
from server.engine.finish import decode_and_encode
from server.engine.image import decode
from server.engine.interface import SamplePreviewed
from server.engine.loader import LoadedModel
from server.engine.prepare import prepare
from server.engine.preview_steps import number_of, preview_steps
from server.engine.sample import Sample
from server.engine.text_encoder import TextEncoder
from tests.engine.conftest import Recorder, Start, order
from tests.tiny_flux import TEXT_LENGTH


@given(st.integers(1, 200), st.integers(0, 3))
def test_there_are_as_many_as_asked_for_whenever_there_are_more_steps_and_none_after_the_last(
    num_steps: int, count: int
) -> None:
    steps = preview_steps(num_steps, count)
    assert len(steps) == min(count, num_steps - 1)
    assert list(steps) == sorted(set(steps))
    assert all(1 <= step < num_steps for step in steps)
    gaps = np.diff([0, *steps, num_steps])
    assert gaps.max() - gaps.min() <= 1, "evenly spread"
    assert [number_of(step, num_steps, count) for step in steps] == list(range(len(steps)))
    assert number_of(num_steps, num_steps, count) is None


def previews(recorder: Recorder, sample_id: str) -> list[SamplePreviewed]:
    return [e for e in recorder.events if isinstance(e, SamplePreviewed) and e.sample_id == sample_id]


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(content)).convert("RGB"))


def predicted(model: LoadedModel, at_step: int) -> np.ndarray:
    """The plain way: x - sigma * v of the very step that ``at_step`` counts, decoded."""
    wanted = order("plain", steps=6, partial_images=2)
    sample = prepare(model, TextEncoder(model, TEXT_LENGTH, 2**20), wanted)
    with torch.inference_mode():
        for _ in range(at_step):
            before, sigma = sample.latents, sample.sigmas[sample.step]
            batch = gather(model, [sample])
            result = denoise(model, batch)
            velocity = guided([sample], result.velocity)[0]
            scatter(batch, result)
    return np.asarray(decode(model, before - float(sigma) * velocity, wanted.width, wanted.height))


def test_a_preview_is_the_decoded_prediction_of_the_clean_latents(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(dev)
    engine.submit(order("a", steps=6, partial_images=2))
    recorder.finished("a")
    shown = previews(recorder, "a")
    assert [preview.number for preview in shown] == [0, 1]
    for preview, step in zip(shown, (2, 4), strict=True):
        difference = np.abs(pixels(preview.image).astype(int) - predicted(dev, step)).max()
        assert difference <= 1, f"after step {step}: the Euler step between the two ways rounds once"


def test_previews_come_before_the_image_and_change_nothing_of_it(
    dev: LoadedModel, klein: LoadedModel, start: Start
) -> None:
    for model in (dev, klein):
        engine, recorder = start(model)
        engine.submit(order("with", steps=5, partial_images=3))
        engine.submit(order("without", steps=5))
        with_previews, without = (
            pixels(recorder.finished(name).image).astype(int) for name in ("with", "without")
        )
        assert np.abs(with_previews - without).max() <= 1
        shown = previews(recorder, "with")
        assert len(shown) == 3 and not previews(recorder, "without")
        assert recorder.events.index(recorder.finished("with")) > recorder.events.index(shown[-1])


def test_a_preview_that_cannot_be_made_is_left_out_and_the_image_comes(dev: LoadedModel, start: Start) -> None:
    once = threading.Event()

    def fails_once(model: LoadedModel, sample: Sample) -> bytes:
        if not once.is_set():
            once.set()
            raise RuntimeError("no preview today")
        return decode_and_encode(model, sample)

    engine, recorder = start(dev, decode_image=fails_once)
    engine.submit(order("a", steps=4, partial_images=1))
    recorder.finished("a")
    assert once.is_set() and not previews(recorder, "a")
