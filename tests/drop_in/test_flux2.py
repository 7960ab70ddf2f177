"""FLUX.2 under the wrapper: its pipeline says ``attention_kwargs``, and has no pooled vector."""

from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLFlux2, Flux2Pipeline, Flux2Transformer2DModel
from PIL import Image
from torch import Tensor

from h2cache import H2Cache, H2CacheError, H2Stats
from tests.drop_in.pipes import ALL, DEFAULT, NOTHING, letters
from tests.h2cache.models import TEXT_WIDTH
from tests.tiny_flux import dev_scheduler

STEPS = 8


@pytest.fixture
def transformer() -> Flux2Transformer2DModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Flux2Transformer2DModel(
            in_channels=16,
            num_layers=2,
            num_single_layers=3,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=TEXT_WIDTH,
            timestep_guidance_channels=32,
            axes_dims_rope=(2, 2, 2, 2),
        ).eval()


@pytest.fixture(scope="module")
def vae() -> AutoencoderKLFlux2:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return AutoencoderKLFlux2(
            block_out_channels=(4, 4, 4, 4), latent_channels=4, layers_per_block=1, norm_num_groups=2
        ).eval()


def latents(transformer: Any, vae: AutoencoderKLFlux2, said: Any = None, **more: Any) -> Tensor:
    """The final latents of two prompts."""
    pipeline = Flux2Pipeline(dev_scheduler(), vae, None, None, transformer)
    pipeline.set_progress_bar_config(disable=True)
    embeds = torch.randn(2, 6, TEXT_WIDTH, generator=torch.Generator().manual_seed(2))
    images: Tensor = pipeline(
        prompt_embeds=embeds,
        height=64,
        width=64,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(3),
        output_type="latent",
        attention_kwargs=None if said is None else {"h2cache": said},
        **more,
    ).images
    return images


def test_no_reuse_is_diffusers_to_rounding(transformer: Flux2Transformer2DModel, vae: AutoencoderKLFlux2) -> None:
    """The adapter keeps text and image apart between single-stream blocks, where diffusers keeps them joined."""
    got = latents(H2Cache(transformer), vae, NOTHING)
    torch.testing.assert_close(got, latents(transformer, vae), rtol=1e-5, atol=1e-5)
    assert torch.equal(latents(H2Cache(transformer), vae), latents(transformer, vae))


@pytest.mark.parametrize("with_image", [False, True])
def test_rows_decide_for_themselves_also_with_an_image_to_go_by(
    with_image: bool, transformer: Flux2Transformer2DModel, vae: AutoencoderKLFlux2
) -> None:
    """With an image the pipeline makes ``img_ids`` anew in each step: they do not tell the call."""
    more = {"image": Image.new("RGB", (64, 64), "red")} if with_image else {}
    wrapped, stats = H2Cache(transformer), H2Stats()
    latents(wrapped, vae, [{**ALL, "stats": stats}, {**NOTHING, "stats": stats}], **more)
    assert [letters(log) for log in stats.samples] == ["f" + "s" * (STEPS - 1), "f" * STEPS]
    assert len(wrapped.runs) == 0


def test_under_the_default_method_a_row_is_what_it_is_beside_any_other(
    transformer: Flux2Transformer2DModel, vae: AutoencoderKLFlux2
) -> None:
    stats = [H2Stats(), H2Stats()]
    beside = [
        latents(H2Cache(transformer), vae, [{**DEFAULT, "stats": each}, other])
        for each, other in zip(stats, (NOTHING, ALL), strict=True)
    ]
    first, second = (letters(each.samples[0]) for each in stats)
    assert first == second
    assert set(first) == set("fs")
    torch.testing.assert_close(beside[0][0], beside[1][0], rtol=1e-4, atol=1e-5)


def test_the_output_class_is_the_models(transformer: Flux2Transformer2DModel) -> None:
    given = arguments()
    with torch.no_grad():
        wanted = transformer(**given)
        got = H2Cache(transformer)(**given, joint_attention_kwargs={"h2cache": NOTHING})
    assert type(got) is type(wanted)
    torch.testing.assert_close(got.sample, wanted.sample, rtol=1e-5, atol=1e-5)


def test_attention_kwargs_reach_the_attention(transformer: Flux2Transformer2DModel) -> None:
    given, mask = arguments(), torch.tensor([True] * 7 + [False] * 3).expand(2, 1, 1, 10)
    with torch.no_grad():
        wanted = transformer(**given, joint_attention_kwargs={"attention_mask": mask}).sample
        said = {"h2cache": NOTHING, "attention_mask": mask}
        got = H2Cache(transformer)(**given, joint_attention_kwargs=said).sample
        assert not torch.equal(transformer(**given).sample, wanted)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)


def test_the_key_value_pipeline_is_refused(transformer: Flux2Transformer2DModel) -> None:
    with pytest.raises(H2CacheError, match="kv_cache_mode is 'extract', allowed with h2cache is None"):
        H2Cache(transformer)(
            **arguments(), kv_cache_mode="extract", joint_attention_kwargs={"h2cache": {"tau1": 0.1}}
        )


def arguments() -> dict[str, Any]:
    """Of Flux2Transformer2DModel.forward."""
    generator = torch.Generator().manual_seed(4)
    return {
        "hidden_states": torch.randn(2, 4, 16, generator=generator),
        "encoder_hidden_states": torch.randn(2, 6, TEXT_WIDTH, generator=generator),
        "timestep": torch.tensor([0.5, 0.5]),
        "guidance": torch.tensor([4.0, 4.0]),
        "img_ids": torch.randint(3, (2, 4, 4), generator=generator),
        "txt_ids": torch.zeros(2, 6, 4),
    }
