"""Edits under the cache, beside generations: neighbours change nobody, and what stays of an image stays."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from server.engine.batch import denoise, gather, scatter
from server.engine.interface import FAILED, InputImages, SampleOrder
from server.engine.loader import LoadedModel
from server.engine.paste import FEATHER, paste
from server.engine.prepare import prepare
from server.engine.text_encoder import TextEncoder
from server.request import OutputFormat
from server.strength import first_step
from tests.engine.alone import assert_each_is_as_alone
from tests.engine.conftest import Start, order
from tests.engine.pictures import Box, hole, picture
from tests.engine.samples import rule
from tests.engine.test_edits_equal_pipelines import edit
from tests.engine.test_equals_pipeline import pixels_of
from tests.tiny_flux import TEXT_LENGTH

BOX: Box = (8, 16, 48, 56)
CACHED = rule(0.5, 0.5)
MIXED = [
    order("generation", steps=8, seed=1, cache=CACHED),
    edit("start", 0.7, cache=CACHED, seed=2),
    edit("hole", 1.0, BOX, cache=rule(0.9, 0.3), seed=3),
    edit("half a hole", 0.5, BOX, cache=rule(0.9, 0.9, warmup=1), seed=4),
    order("uncached", steps=5, seed=5),
    order("two rows", steps=6, seed=6, cache=CACHED, negative_prompt="b", true_cfg=3.0),
]
WITH_REFERENCES = [
    order("generation", steps=8, seed=1, cache=CACHED),
    edit("reference", None, cache=CACHED, seed=2),
    edit("other", None, cache=rule(0.9, 0.3), seed=3),
    edit("hole", 0.6, BOX, cache=CACHED, seed=4),
    order("uncached", steps=5, seed=5),
]


@pytest.mark.parametrize(
    ("name", "orders"), [("dev", MIXED), ("kontext", WITH_REFERENCES), ("klein", WITH_REFERENCES)]
)
def test_edits_and_generations_in_one_batch_are_what_each_is_alone(
    name: str, orders: list[SampleOrder], request: pytest.FixtureRequest, start: Start
) -> None:
    assert_each_is_as_alone(request.getfixturevalue(name), orders, start)


@pytest.mark.parametrize("name", ["dev", "klein"])
def test_at_full_strength_an_edit_is_the_generation_of_its_seed(
    name: str, request: pytest.FixtureRequest, start: Start
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    if name == "klein":  # it is told of the image by references too, which a generation is not
        orders = [edit("edit", 1.0, cache=CACHED), edit("plain", None, cache=CACHED)]
    else:
        orders = [edit("edit", 1.0, cache=CACHED), order("plain", steps=8, cache=CACHED)]
    engine, recorder = start(model)
    for wanted in orders:
        engine.submit(wanted)
    edited, plain = (recorder.finished(wanted.sample_id) for wanted in orders)
    assert np.abs(pixels_of(edited) - pixels_of(plain)).max() <= 1
    assert edited.counts == plain.counts


def test_an_edit_takes_and_tells_the_steps_that_its_strength_leaves(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(dev)
    engine.submit(edit("x", 0.5))
    assert recorder.finished("x").counts.steps == 4 == recorder.steps("x")


@settings(deadline=None)
@given(st.integers(1, 100), st.floats(1e-9, 1.0))
def test_the_first_step_is_within_the_schedule_and_earlier_the_stronger(steps: int, strength: float) -> None:
    first = first_step(steps, strength)
    assert 0 <= first < steps
    assert first_step(steps, min(1.0, 2 * strength)) <= first
    assert first_step(steps, 1.0) == 0 == first_step(steps, None)


@pytest.mark.parametrize("name", ["dev", "fill", "kontext", "klein"])
def test_outside_of_the_feather_the_image_is_the_input_bit_for_bit(
    name: str, request: pytest.FixtureRequest, start: Start
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    wanted = edit("x", 1.0, BOX, width=96)
    engine, recorder = start(model)
    engine.submit(wanted)
    made, before = pixels_of(recorder.finished("x")), np.asarray(picture(96, 64)).astype(np.int16)
    left, top, right, bottom = BOX
    stays = np.ones(made.shape[:2], bool)
    stays[max(0, top - FEATHER) : bottom + FEATHER, max(0, left - FEATHER) : right + FEATHER] = False
    assert stays.any()
    assert np.array_equal(made[stays], before[stays])
    inside = np.s_[top:bottom, left:right]
    assert np.abs(made[inside] - before[inside]).mean() > 10


BOXES = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 24), st.integers(1, 24))


@settings(deadline=None)
@given(BOXES)
def test_what_is_pasted_is_whole_within_the_mask_and_nothing_outside_of_the_feather(
    box: tuple[int, int, int, int],
) -> None:
    left, top, width, height = box
    made, kept = Image.new("RGB", (64, 64), "white"), Image.new("RGB", (64, 64), "black")
    pasted = np.asarray(paste(made, kept, hole((left, top, left + width, top + height))))[:, :, 0]
    assert (pasted[top : top + height, left : left + width] == 255).all()
    outside = np.ones((64, 64), bool)
    outside[max(0, top - FEATHER) : top + height + FEATHER, max(0, left - FEATHER) : left + width + FEATHER] = (
        False
    )
    assert (pasted[outside] == 0).all()


def test_a_masked_jpeg_and_webp_are_made_too(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(dev)
    for output_format in (OutputFormat.JPEG, OutputFormat.WEBP):
        engine.submit(edit(output_format, 0.5, BOX, output_format=output_format))
        assert Image.open(BytesIO(recorder.finished(output_format).image)).format == output_format.upper()


def test_a_model_that_fills_in_fails_only_the_order_without_a_mask(fill: LoadedModel, start: Start) -> None:
    engine, recorder = start(fill)
    engine.submit(edit("no mask", 1.0))
    engine.submit(edit("mask", 1.0, BOX))
    assert recorder.failed("no mask").message == FAILED
    recorder.finished("mask")


def test_input_images_that_cannot_be_read_fail_their_order_alone(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(dev)
    engine.submit(order("broken", inputs=InputImages((b"no image",), None, 0.5)))
    engine.submit(order("fine"))
    assert recorder.failed("broken").message == FAILED
    recorder.finished("fine")


@pytest.mark.parametrize(
    ("name", "strength", "images"), [("dev", 0.5, 1), ("kontext", 0.5, 1), ("klein", None, 2), ("fill", 1.0, 1)]
)
def test_the_byte_formula_counts_what_input_images_take(
    name: str, strength: float | None, images: int, request: pytest.FixtureRequest
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    wanted = edit("x", strength, None if strength is None else BOX, images, cache=rule(0.1, 0.1), width=512)
    sample = prepare(model, TextEncoder(model, TEXT_LENGTH, 2**20), wanted)
    plain = (
        prepare(model, TextEncoder(model, TEXT_LENGTH, 2**20), replace(wanted, inputs=None))
        if name != "fill"
        else None
    )
    batch = gather(model, [sample])
    scatter(batch, denoise(model, batch))
    assert sample.needed_bytes == pytest.approx(sample.nbytes, rel=0.1)
    assert plain is None or sample.needed_bytes > plain.needed_bytes


def test_the_same_prompt_at_two_text_lengths_is_two_embeddings(dev: LoadedModel) -> None:
    text = TextEncoder(dev, TEXT_LENGTH, 2**20)
    assert len(text.encode("a cat").tokens) == TEXT_LENGTH
    assert len(text.encode("a cat", 9).tokens) == 9
    assert text.encode("a cat", 9) is text.encode("a cat", 9)
    assert text.encode("a cat") is text.encode("a cat", TEXT_LENGTH)
