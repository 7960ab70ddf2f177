"""With the cache off the engine makes diffusers' FluxPipeline's image."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline, calculate_shift
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from server.engine.interface import SampleFinished, SampleOrder
from server.engine.latents import draw_noise, image_ids, unpack
from server.engine.loader import LoadedModel, load_model
from server.engine.schedule import sigmas_of
from tests.engine.conftest import Start, generator, order
from tests.tiny_flux import TEXT_LENGTH, dev_scheduler, save_tiny_flux, schnell_scheduler

Pipeline: Any = FluxPipeline
"""Its static helpers are untyped."""
Pixels = npt.NDArray[np.int16]


def pixels_of(finished: SampleFinished) -> Pixels:
    return np.asarray(Image.open(BytesIO(finished.image)).convert("RGB")).astype(np.int16)


def pipeline_pixels(model: LoadedModel, wanted: SampleOrder, text_length: int = TEXT_LENGTH) -> Pixels:
    image = model.pipeline(
        wanted.prompt,
        width=wanted.width,
        height=wanted.height,
        num_inference_steps=wanted.steps,
        guidance_scale=wanted.guidance,
        max_sequence_length=text_length,
        generator=generator(wanted.seed),
    ).images[0]
    return np.asarray(image).astype(np.int16)


ORDERS = [
    order("square"),
    order("wide", width=96, height=64, steps=3, guidance=1.5, seed=1),
    order("tall", width=64, height=112, steps=6, guidance=5.0, seed=2, prompt="b"),
    order("again", steps=1, seed=2**40, prompt="a long one, " * 20),
]


@pytest.mark.parametrize("name", ["dev", "schnell"])
def test_the_images_are_the_pipeline_s(name: str, request: pytest.FixtureRequest, start: Start) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    engine, recorder = start(model)
    for wanted in ORDERS:
        engine.submit(wanted)
    for wanted in ORDERS:
        pixels = pixels_of(recorder.finished(wanted.sample_id))
        assert np.abs(pixels - pipeline_pixels(model, wanted)).max() <= 1
        assert pixels.std() > 10


def test_in_bfloat16_too_the_images_are_the_pipeline_s(tmp_path: Path, start: Start) -> None:
    model = load_model(str(save_tiny_flux(tmp_path / "flux")), device="cpu", dtype="bfloat16")
    engine, recorder = start(model)
    wanted = order("x", steps=12)
    engine.submit(wanted)
    assert np.array_equal(pixels_of(recorder.finished("x")), pipeline_pixels(model, wanted))


@given(st.integers(1, 100), st.integers(1, 5000), st.booleans())
def test_the_schedule_is_the_scheduler_s_own(steps: int, tokens: int, shifts: bool) -> None:
    scheduler: Any = dev_scheduler() if shifts else schnell_scheduler()
    ours = sigmas_of(scheduler.config, steps, tokens)
    scheduler.set_timesteps(sigmas=list(np.linspace(1.0, 1 / steps, steps)), mu=calculate_shift(tokens))
    assert torch.equal(ours, scheduler.sigmas)
    assert len(ours) == steps + 1
    assert (ours.diff() < 0).all()


@given(st.integers(0, 2**53 - 1), st.integers(1, 5), st.integers(1, 5))
def test_noise_is_what_the_pipeline_draws_with_a_cpu_generator(seed: int, columns: int, rows: int) -> None:
    noise = draw_noise(seed, 16, 16 * columns, 16 * rows, torch.float32)
    drawn = torch.randn(1, 16, 2 * rows, 2 * columns, generator=generator(seed))
    assert torch.equal(noise[None], Pipeline._pack_latents(drawn, 1, 16, 2 * rows, 2 * columns))
    assert torch.equal(unpack(noise, 16 * columns, 16 * rows), drawn)
    ids = Pipeline._prepare_latent_image_ids(1, rows, columns, "cpu", torch.float32)
    assert torch.equal(image_ids(16 * columns, 16 * rows, torch.device("cpu"), torch.float32), ids)
