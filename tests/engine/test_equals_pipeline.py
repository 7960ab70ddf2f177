"""With the cache off the engine makes the image of diffusers' own pipeline, to one level of 256."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline, calculate_shift
from diffusers.pipelines.flux2.pipeline_flux2 import Flux2Pipeline
from diffusers.pipelines.flux2.pipeline_flux2_klein import Flux2KleinPipeline, compute_empirical_mu
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file

from server.engine.families.flux1 import Flux1
from server.engine.families.flux2 import PROMPTS_FILE, Klein
from server.engine.family import Family
from server.engine.interface import SampleFinished, SampleOrder
from server.engine.loader import LoadedModel, load_model
from server.engine.schedule import sigmas_of
from tests.engine.conftest import Start, generator, order
from tests.tiny_flux import TEXT_LENGTH, dev_scheduler, save_tiny_flux, schnell_scheduler
from tests.tiny_flux2 import save_tiny_dev, save_tiny_dev_by_embeddings, save_tiny_klein

Pixels = npt.NDArray[np.int16]


def pixels_of(finished: SampleFinished) -> Pixels:
    return np.asarray(Image.open(BytesIO(finished.image)).convert("RGB")).astype(np.int16)


def pipeline_pixels(model: LoadedModel, wanted: SampleOrder, text_length: int = TEXT_LENGTH) -> Pixels:
    image = model.pipeline(
        prompt=wanted.prompt,
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
    order("no guidance", guidance=1.0, seed=3),
]


@pytest.mark.parametrize("name", ["dev", "schnell", "klein", "distilled", "flux2_dev"])
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


def test_in_bfloat16_a_klein_s_images_are_the_pipeline_s_up_to_its_rows_sharing_a_forward(
    tmp_path: Path, start: Start
) -> None:
    model = load_model(str(save_tiny_klein(tmp_path / "klein")), device="cpu", dtype="bfloat16")
    engine, recorder = start(model)
    for wanted in (order("two rows", steps=6), order("one row", steps=6, guidance=1.0)):
        engine.submit(wanted)
        pixels = pixels_of(recorder.finished(wanted.sample_id))
        assert np.abs(pixels - pipeline_pixels(model, wanted)).mean() <= 1


def test_a_dev_without_text_encoder_makes_the_pipeline_s_images_of_the_prompts_that_its_file_has(
    tmp_path: Path, start: Start
) -> None:
    folder = save_tiny_dev_by_embeddings(tmp_path / "dev", {"a red cat": 9, "a blue cat": 7})
    model = load_model(str(folder))
    engine, recorder = start(model)
    orders = [order("red"), order("blue", prompt="a blue cat"), order("none", prompt="a secret")]
    for wanted in orders:
        engine.submit(wanted)
    embeddings = load_file(folder / PROMPTS_FILE)
    for wanted in orders[:2]:
        image = model.pipeline(
            prompt_embeds=embeddings[wanted.prompt][None],
            width=wanted.width,
            height=wanted.height,
            num_inference_steps=wanted.steps,
            guidance_scale=wanted.guidance,
            generator=generator(wanted.seed),
        ).images[0]
        ours = pixels_of(recorder.finished(wanted.sample_id))
        assert np.abs(ours - np.asarray(image).astype(np.int16)).max() <= 1
    message = recorder.failed("none").message
    assert message == (
        "prompt is none that this model has an embedding of, and it has no text encoder, "
        "allowed are those of its prompt_embeds.safetensors"
    )


def test_a_dev_by_embeddings_makes_the_images_that_it_makes_with_its_text_encoder(
    tmp_path: Path, flux2_dev: LoadedModel, start: Start
) -> None:
    wanted, folder = order("x"), save_tiny_dev(tmp_path / "dev")
    encoder: Any = Flux2Pipeline.from_pretrained(folder, transformer=None, vae=None)
    with torch.no_grad():
        tokens, _ = encoder.encode_prompt(wanted.prompt, max_sequence_length=TEXT_LENGTH)
    save_file({wanted.prompt: tokens[0].contiguous()}, folder / PROMPTS_FILE)
    images = []
    for model in (load_model(str(folder)), flux2_dev):
        engine, recorder = start(model)
        engine.submit(wanted)
        images.append(recorder.finished("x").image)
    assert images[0] == images[1]


SHIFTS: list[tuple[Family, Callable[[int, int], float]]] = [
    (Flux1(), lambda tokens, steps: calculate_shift(tokens)),
    (Klein(), compute_empirical_mu),
]


@given(st.integers(1, 100), st.integers(1, 5000), st.booleans(), st.sampled_from(SHIFTS))
def test_the_schedule_is_the_scheduler_s_own(
    steps: int, tokens: int, shifts: bool, family: tuple[Family, Callable[[int, int], float]]
) -> None:
    ours, theirs = family
    scheduler: Any = dev_scheduler() if shifts else schnell_scheduler()
    sigmas = sigmas_of(scheduler.config, steps, ours.mu(scheduler.config, tokens, steps))
    scheduler.set_timesteps(sigmas=list(np.linspace(1.0, 1 / steps, steps)), mu=theirs(tokens, steps))
    assert torch.equal(sigmas, scheduler.sigmas)
    assert len(sigmas) == steps + 1
    assert (sigmas.diff() < 0).all()


SIZES = st.integers(1, 5), st.integers(1, 5)


@given(st.integers(0, 2**53 - 1), *SIZES)
def test_flux1_s_noise_is_what_the_pipeline_draws_with_a_cpu_generator(seed: int, columns: int, rows: int) -> None:
    family, size = Flux1(), (16 * columns, 16 * rows)
    noise = family.draw_noise(generator(seed), 64, *size, torch.float32)
    drawn = torch.randn(1, 16, 2 * rows, 2 * columns, generator=generator(seed))
    pipeline: Any = FluxPipeline
    assert torch.equal(noise[None], pipeline._pack_latents(drawn, 1, 16, 2 * rows, 2 * columns))
    vae = SimpleNamespace(config=SimpleNamespace(scaling_factor=1.0, shift_factor=0.0))
    assert torch.equal(family.to_vae(vae, noise, *size), drawn)
    ids = pipeline._prepare_latent_image_ids(1, rows, columns, "cpu", torch.float32)
    assert torch.equal(family.image_ids(*size, torch.device("cpu")), ids)


@given(st.integers(0, 2**53 - 1), *SIZES)
def test_flux2_s_noise_is_what_the_pipeline_draws_with_a_cpu_generator(seed: int, columns: int, rows: int) -> None:
    family, size, cpu = Klein(), (16 * columns, 16 * rows), torch.device("cpu")
    noise = family.draw_noise(generator(seed), 128, *size, torch.float32)
    drawn = torch.randn(1, 128, rows, columns, generator=generator(seed))
    pipeline: Any = Flux2KleinPipeline
    assert torch.equal(noise[None], pipeline._pack_latents(drawn))
    batch_norm = SimpleNamespace(running_mean=torch.zeros(128), running_var=torch.ones(128))
    vae = SimpleNamespace(config=SimpleNamespace(batch_norm_eps=0.0), bn=batch_norm)
    assert torch.equal(family.to_vae(vae, noise, *size), pipeline._unpatchify_latents(drawn))
    assert torch.equal(family.image_ids(*size, cpu), pipeline._prepare_latent_ids(drawn)[0])
    assert torch.equal(family.text_ids(5, cpu), pipeline._prepare_text_ids(torch.zeros(1, 5, 2))[0])
