"""With the cache off, edits are the images of diffusers' own pipelines for them, to one level of 256."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diffusers import (
    Flux2KleinInpaintPipeline,
    FluxFillPipeline,
    FluxImg2ImgPipeline,
    FluxInpaintPipeline,
    FluxKontextInpaintPipeline,
    FluxKontextPipeline,
)

from server.engine.image import decode, encode
from server.engine.interface import InputImages, SampleOrder
from server.engine.loader import LoadedModel, load_model
from server.engine.sample import Sample
from tests.engine.conftest import Start, generator, order
from tests.engine.pictures import Box, hole, picture, png
from tests.engine.test_equals_pipeline import Pixels, pixels_of
from tests.tiny_flux import TEXT_LENGTH, save_tiny_flux

BOX: Box = (8, 16, 48, 56)


def edit(
    sample_id: str, strength: float | None, box: Box | None = None, images: int = 1, **changes: Any
) -> SampleOrder:
    """An order with input images of its size."""
    plain = order(sample_id, **{"steps": 8, **changes})
    size = plain.width, plain.height
    pictures = tuple(png(picture(*size, seed)) for seed in range(images))
    mask = None if box is None else png(hole(box, *size))
    return order(sample_id, **{"steps": 8, **changes, "inputs": InputImages(pictures, mask, strength)})


def as_it_is(model: LoadedModel, sample: Sample) -> bytes:
    """Decoding without pasting, which the pipelines leave to their caller."""
    wanted = sample.order
    return encode(decode(model, sample.latents, wanted.width, wanted.height), wanted.output_format, 100)


def made(start: Start, model: LoadedModel, *orders: SampleOrder) -> list[Pixels]:
    engine, recorder = start(model, decode_image=as_it_is)
    for wanted in orders:
        engine.submit(wanted)
    return [pixels_of(recorder.finished(wanted.sample_id)) for wanted in orders]


def pipeline_made(pipeline: Any, model: LoadedModel, wanted: SampleOrder, **changes: Any) -> Pixels:
    """What a pipeline with the model's parts makes of the order."""
    with_parts = pipeline(**model.pipeline.components)
    with_parts.set_progress_bar_config(disable=True)
    image = with_parts(
        prompt=wanted.prompt,
        num_inference_steps=wanted.steps,
        guidance_scale=wanted.guidance,
        max_sequence_length=TEXT_LENGTH,
        generator=generator(wanted.seed),
        **changes,
    ).images[0]
    return np.asarray(image).astype(np.int16)


def size_of(wanted: SampleOrder) -> dict[str, int]:
    return {"width": wanted.width, "height": wanted.height}


def assert_equal(ours: Pixels, theirs: Pixels) -> None:
    assert np.abs(ours - theirs).max() <= 1
    assert ours.std() > 10


STARTS = [
    edit("half", 0.5),
    edit("most", 0.8, width=96, seed=3),
    edit("little", 0.1, height=112, guidance=1.0),
    edit("less than a step", 0.01),
    edit("many steps", 0.33, steps=11, prompt="b"),
]


@pytest.mark.parametrize("name", ["dev", "schnell"])
def test_an_image_to_start_from_gives_the_image_to_image_pipeline_s(
    name: str, request: pytest.FixtureRequest, start: Start
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    for wanted, ours in zip(STARTS, made(start, model, *STARTS), strict=True):
        if (
            wanted.sample_id == "less than a step"
        ):  # the pipeline takes at least the last step too, but asks for more
            theirs = pipeline_made(
                FluxImg2ImgPipeline, model, wanted, image=picture(), strength=0.125, **size_of(wanted)
            )
        else:
            assert wanted.inputs is not None
            strength, size = wanted.inputs.strength, size_of(wanted)
            image = picture(**size)
            theirs = pipeline_made(FluxImg2ImgPipeline, model, wanted, image=image, strength=strength, **size)
        assert_equal(ours, theirs)


HOLES = [
    edit("whole", 1.0, BOX),
    edit("half", 0.5, BOX, seed=3),
    edit("wide", 0.7, (0, 0, 90, 20), width=96, guidance=1.0),
]


@pytest.mark.parametrize("name", ["dev", "schnell"])
def test_a_masked_image_is_the_inpainting_pipeline_s(
    name: str, request: pytest.FixtureRequest, start: Start
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    for wanted, ours in zip(HOLES, made(start, model, *HOLES), strict=True):
        assert_equal(
            ours, pipeline_made(FluxInpaintPipeline, model, wanted, **inpainting(wanted), **size_of(wanted))
        )


def inpainting(wanted: SampleOrder) -> dict[str, Any]:
    assert wanted.inputs is not None and wanted.inputs.mask is not None
    box = (0, 0, 90, 20) if wanted.sample_id == "wide" else BOX
    size = size_of(wanted)
    return {"image": picture(**size), "mask_image": hole(box, **size), "strength": wanted.inputs.strength}


def test_in_bfloat16_too_they_are_the_pipelines(tmp_path: Path, start: Start) -> None:
    model = load_model(str(save_tiny_flux(tmp_path / "flux")), device="cpu", dtype="bfloat16")
    started, redrawn = STARTS[0], HOLES[1]
    ours = made(start, model, started), made(start, model, redrawn)
    options = {"image": picture(), "strength": 0.5, **size_of(started)}
    assert np.array_equal(ours[0][0], pipeline_made(FluxImg2ImgPipeline, model, started, **options))
    options = {**inpainting(redrawn), **size_of(redrawn)}
    assert np.array_equal(ours[1][0], pipeline_made(FluxInpaintPipeline, model, redrawn, **options))


def test_kontext_goes_by_the_image_as_its_pipeline_does(kontext: LoadedModel, start: Start) -> None:
    orders = [edit("x", None), edit("wide", None, width=96, guidance=1.0), order("no image")]
    for wanted, ours in zip(orders, made(start, kontext, *orders), strict=True):
        image = None if wanted.inputs is None else picture(**size_of(wanted))
        area = wanted.width * wanted.height
        options = {"image": image, "_auto_resize": False, "max_area": area, **size_of(wanted)}
        assert_equal(ours, pipeline_made(FluxKontextPipeline, kontext, wanted, **options))


def test_kontext_redraws_a_part_as_its_pipeline_does(kontext: LoadedModel, start: Start) -> None:
    for wanted, ours in zip(HOLES, made(start, kontext, *HOLES), strict=True):
        options = {"_auto_resize": False, **inpainting(wanted), "max_area": 64 * wanted.width}
        assert_equal(ours, pipeline_made(FluxKontextInpaintPipeline, kontext, wanted, **options))


def test_fill_is_its_pipeline_s(fill: LoadedModel, start: Start) -> None:
    for wanted, ours in zip(HOLES, made(start, fill, *HOLES), strict=True):
        assert_equal(ours, pipeline_made(FluxFillPipeline, fill, wanted, **inpainting(wanted), **size_of(wanted)))


@pytest.mark.parametrize("name", ["klein", "distilled", "flux2_dev"])
def test_flux2_goes_by_images_as_its_pipelines_do(name: str, request: pytest.FixtureRequest, start: Start) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    orders = [edit("one", None), edit("three", None, images=3, width=96, steps=5)]
    for wanted, ours in zip(orders, made(start, model, *orders), strict=True):
        assert wanted.inputs is not None
        pictures = [picture(**size_of(wanted), seed=seed) for seed in range(len(wanted.inputs.images))]
        image = model.pipeline(
            prompt=wanted.prompt,
            image=pictures,
            num_inference_steps=wanted.steps,
            guidance_scale=wanted.guidance,
            max_sequence_length=TEXT_LENGTH,
            generator=generator(wanted.seed),
            **size_of(wanted),
        ).images[0]
        assert_equal(ours, np.asarray(image).astype(np.int16))


@pytest.mark.parametrize("name", ["klein", "distilled"])
def test_klein_redraws_a_part_as_its_pipeline_does(
    name: str, request: pytest.FixtureRequest, start: Start
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    for wanted, ours in zip(HOLES, made(start, model, *HOLES), strict=True):
        theirs = pipeline_made(
            lambda **parts: Flux2KleinInpaintPipeline(**parts, is_distilled=name == "distilled"),
            model,
            wanted,
            **inpainting(wanted),
        )
        assert_equal(ours, theirs)


@pytest.mark.parametrize("name", ["dev", "schnell"])
def test_a_negative_prompt_is_the_pipeline_s_true_guidance(
    name: str, request: pytest.FixtureRequest, start: Start
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    orders = [
        order("away", negative_prompt="a blue cat", true_cfg=4.0),
        order("from nothing", negative_prompt="", true_cfg=1.5, width=96),
        order("not above 1", negative_prompt="a blue cat", true_cfg=1.0),
        order("no negative prompt", true_cfg=4.0),
    ]
    for wanted, ours in zip(orders, made(start, model, *orders), strict=True):
        image = model.pipeline(
            prompt=wanted.prompt,
            negative_prompt=wanted.negative_prompt,
            true_cfg_scale=wanted.true_cfg,
            num_inference_steps=wanted.steps,
            guidance_scale=wanted.guidance,
            max_sequence_length=TEXT_LENGTH,
            generator=generator(wanted.seed),
            **size_of(wanted),
        ).images[0]
        assert_equal(ours, np.asarray(image).astype(np.int16))


@pytest.mark.parametrize("name", ["dev", "klein", "flux2_dev"])
def test_a_text_length_is_the_pipeline_s(name: str, request: pytest.FixtureRequest, start: Start) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    orders = [order("short", text_length=12), order("own"), order("shorter", text_length=7)]
    for wanted, ours in zip(orders, made(start, model, *orders), strict=True):
        image = model.pipeline(
            prompt=wanted.prompt,
            num_inference_steps=wanted.steps,
            guidance_scale=wanted.guidance,
            max_sequence_length=wanted.text_length or TEXT_LENGTH,
            generator=generator(wanted.seed),
            **size_of(wanted),
        ).images[0]
        assert_equal(ours, np.asarray(image).astype(np.int16))
