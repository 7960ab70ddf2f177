"""FLUX.3 under the wrapper: diffusers runs it by modular blocks, which say ``attention_kwargs``."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import ClassifierFreeGuidance, Flux3Transformer2DModel
from diffusers.modular_pipelines.flux3.modular_blocks_flux3 import Flux3AutoCoreDenoiseStep
from diffusers.modular_pipelines.flux3.modular_blocks_flux3_distilled import Flux3DistilledAutoCoreDenoiseStep
from torch import Tensor

from h2cache import H2Cache, H2CacheError, H2Stats
from tests.drop_in.pipes import ALL, DEFAULT, NOTHING, letters
from tests.h2cache.families import tiny_flux3
from tests.h2cache.models import CHANNELS, TEXT_WIDTH
from tests.tiny_flux import schnell_scheduler

STEPS = 8


@pytest.fixture
def transformer() -> Flux3Transformer2DModel:
    return tiny_flux3()


def latents(transformer: Any, said: Any = None, *, with_image: bool = False) -> Tensor:
    """The final latents of two prompts under classifier-free guidance."""
    pipeline = Flux3AutoCoreDenoiseStep().init_pipeline()
    pipeline.update_components(
        transformer=transformer, scheduler=schnell_scheduler(), guider=ClassifierFreeGuidance(guidance_scale=3.0)
    )
    more: dict[str, Any] = {"negative_prompt_embeds": drawn(2, 4, TEXT_WIDTH, seed=5)}
    if with_image:
        more["image_cond_latents"] = [drawn(2, CHANNELS, 2, 3, seed=6)]
    return ran(pipeline, **more, attention_kwargs=told(said))


def distilled_latents(transformer: Any, said: Any = None) -> Tensor:
    """The same without guidance; these blocks do not name ``attention_kwargs``, but hand it on."""
    pipeline = Flux3DistilledAutoCoreDenoiseStep().init_pipeline()
    pipeline.update_components(transformer=transformer, scheduler=schnell_scheduler())
    return ran(pipeline, denoiser_input_fields={"attention_kwargs": told(said)})


def told(said: Any) -> dict[str, Any] | None:
    return None if said is None else {"h2cache": said}


def ran(pipeline: Any, **more: Any) -> Tensor:
    pipeline.set_progress_bar_config(disable=True)
    made: Tensor = pipeline(
        prompt_embeds=drawn(2, 6, TEXT_WIDTH, seed=2),
        height=48,
        width=64,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(3),
        output="latents",
        **more,
    )
    return made


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("with_image", [False, True])
def test_no_reuse_is_diffusers_to_rounding(with_image: bool, transformer: Flux3Transformer2DModel) -> None:
    wanted = latents(transformer, with_image=with_image)
    got = latents(H2Cache(transformer), NOTHING, with_image=with_image)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
    assert torch.equal(latents(H2Cache(transformer), with_image=with_image), wanted)


@pytest.mark.parametrize("with_image", [False, True])
def test_rows_and_branches_decide_for_themselves(with_image: bool, transformer: Flux3Transformer2DModel) -> None:
    wrapped, stats = H2Cache(transformer), H2Stats()
    said = [{**ALL, "stats": stats}, {**NOTHING, "stats": stats}]
    latents(wrapped, said, with_image=with_image)
    reused, computed = "f" + "s" * (STEPS - 1), "f" * STEPS
    assert [letters(log) for log in stats.samples] == [reused, computed, reused, computed]
    assert len(wrapped.runs) == 0


@pytest.mark.parametrize("make", [latents, distilled_latents])
def test_under_the_default_method_a_row_is_what_it_is_beside_any_other(make: Callable[..., Tensor]) -> None:
    """``latents`` has each row twice, with the prompt and without."""
    transformer, stats = tiny_flux3(distilled=make is distilled_latents), [H2Stats(), H2Stats()]
    beside = [
        make(H2Cache(transformer), [{**DEFAULT, "stats": each}, other])
        for each, other in zip(stats, (NOTHING, ALL), strict=True)
    ]
    first, second = ([letters(log) for log in each.samples] for each in stats)
    assert first == second
    assert all(set(each) == set("fs") for each in first)
    torch.testing.assert_close(beside[0][0], beside[1][0], rtol=1e-4, atol=1e-5)


def test_a_distilled_model_is_told_where_each_step_goes_to() -> None:
    transformer = tiny_flux3(distilled=True)
    wanted, stats = distilled_latents(transformer), H2Stats()
    got = distilled_latents(H2Cache(transformer), {**NOTHING, "stats": stats})
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
    distilled_latents(H2Cache(transformer), {**ALL, "stats": stats})
    assert [letters(log) for log in stats.samples] == ["f" * STEPS] * 2 + ["f" + "s" * (STEPS - 1)] * 2


def test_methods_that_look_at_the_shape_find_it_in_positions_that_count_in_halves(
    transformer: Flux3Transformer2DModel,
) -> None:
    stats = H2Stats()
    latents(H2Cache(transformer), {"method": "seacache", "threshold": 1e6, "num_steps": STEPS, "stats": stats})
    assert stats.flops_ratio < 1


def test_its_forward_names_what_the_model_s_does(transformer: Flux3Transformer2DModel) -> None:
    assert inspect.signature(H2Cache(transformer).forward) == inspect.signature(transformer.forward)


def test_references_without_positions_are_refused(transformer: Flux3Transformer2DModel) -> None:
    given = {
        "hidden_states": drawn(1, 4, CHANNELS, seed=1),
        "encoder_hidden_states": drawn(1, 3, TEXT_WIDTH, seed=1),
        "timestep": torch.tensor([0.5]),
        "img_ids": torch.zeros(4, 4),
        "txt_ids": torch.zeros(3, 4),
        "image_cond_hidden_states": drawn(1, 2, CHANNELS, seed=1),
    }
    with pytest.raises(H2CacheError, match="one is None, allowed are both or neither"):
        H2Cache(transformer)(**given, attention_kwargs={"h2cache": NOTHING})
