"""With both thresholds 0 a wrapped transformer gives what diffusers gives, whatever a pipeline passes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import FluxControlNetModel
from torch import Tensor

from h2cache import H2Cache
from tests.drop_in.pipes import ALL, NOTHING, Parts, add_lora, arguments, latents, lively_transformer, picture
from tests.h2cache.models import CHANNELS, POOLED_WIDTH, TEXT_WIDTH, tiny_transformer
from tests.tiny_flux import CLIP_WIDTH, T5_WIDTH

GUIDED: dict[str, Any] = {"negative_prompt": "blue", "true_cfg_scale": 2.0}


def controlnet(num_double: int, num_single: int) -> FluxControlNetModel:
    """A random ControlNet."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        model = FluxControlNetModel(
            in_channels=64,
            num_layers=num_double,
            num_single_layers=num_single,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=T5_WIDTH,
            pooled_projection_dim=CLIP_WIDTH,
            guidance_embeds=True,
            axes_dims_rope=[4, 6, 6],
        )
        for name, weight in model.named_parameters():
            if "controlnet" in name and weight.ndim > 1:
                torch.nn.init.normal_(weight, std=0.1)
    return model.eval()


def text_to_image(parts: Parts, transformer: Any, said: Any) -> Tensor:
    return latents(parts.text_to_image(transformer), said)


def three_prompts(parts: Parts, transformer: Any, said: Any) -> Tensor:
    return latents(parts.text_to_image(transformer), said, prompt=["a", "b", "red"])


def true_guidance(parts: Parts, transformer: Any, said: Any) -> Tensor:
    return latents(parts.text_to_image(transformer), said, **GUIDED)


def image_to_image(parts: Parts, transformer: Any, said: Any) -> Tensor:
    return latents(parts.image_to_image(transformer), said, image=picture(), strength=0.6)


def image_to_image_with_true_guidance(parts: Parts, transformer: Any, said: Any) -> Tensor:
    return latents(parts.image_to_image(transformer), said, image=picture(), strength=0.6, **GUIDED)


def control_of_double_blocks(parts: Parts, transformer: Any, said: Any) -> Tensor:
    pipeline = parts.controlled(transformer, controlnet(2, 0))
    return latents(pipeline, said, control_image=picture(), controlnet_conditioning_scale=0.8)


def control_of_both_kinds(parts: Parts, transformer: Any, said: Any) -> Tensor:
    pipeline = parts.controlled(transformer, controlnet(1, 2))
    return latents(pipeline, said, control_image=picture(), prompt=["a", "b"], **GUIDED)


def image_prompt(parts: Parts, transformer: Any, said: Any) -> Tensor:
    transformer._load_ip_adapter_weights([ip_adapter(transformer)])
    embeds = torch.randn(2, 1, 10, generator=torch.Generator().manual_seed(3))
    other = torch.randn(2, 1, 10, generator=torch.Generator().manual_seed(4))
    return latents(
        parts.text_to_image(transformer),
        said,
        prompt=["a", "b"],
        ip_adapter_image_embeds=[embeds],
        negative_ip_adapter_image_embeds=[other],
        **GUIDED,
    )


def ip_adapter(transformer: Any) -> dict[str, dict[str, Tensor]]:
    """Random weights of an IP-adapter that projects (10,) to 4 tokens."""
    generator = torch.Generator().manual_seed(6)
    width, tokens = transformer.config.joint_attention_dim, 4
    projection = {
        "proj.weight": torch.randn(tokens * width, 10, generator=generator),
        "proj.bias": torch.zeros(tokens * width),
        "norm.weight": torch.ones(width),
        "norm.bias": torch.zeros(width),
    }
    attention = {}
    for block in range(transformer.config.num_layers):
        for part in ("k", "v"):
            weight = torch.randn(transformer.inner_dim, width, generator=generator)
            attention[f"{block}.to_{part}_ip.weight"] = weight
            attention[f"{block}.to_{part}_ip.bias"] = torch.zeros(transformer.inner_dim)
    return {"image_proj": projection, "ip_adapter": attention}


def lora_scale(parts: Parts, transformer: Any, said: Any) -> Tensor:
    add_lora(transformer)
    full = latents(parts.text_to_image(transformer), said)
    scaled = latents(parts.text_to_image(transformer), said, attention={"scale": 0.3})
    assert not torch.equal(scaled, full)
    return scaled


CALLS: list[Callable[[Parts, Any, Any], Tensor]] = [
    text_to_image,
    three_prompts,
    true_guidance,
    image_to_image,
    image_to_image_with_true_guidance,
    control_of_double_blocks,
    control_of_both_kinds,
    image_prompt,
    lora_scale,
]


# diffusers' ControlNet uses a class that diffusers has deprecated.
@pytest.mark.filterwarnings("ignore:.FluxPosEmbed.:FutureWarning")
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_no_reuse_is_diffusers_bit_for_bit(call: Callable[[Parts, Any, Any], Tensor], parts: Parts) -> None:
    wrapped = H2Cache(lively_transformer())
    got = call(parts, wrapped, NOTHING)
    wanted = call(parts, lively_transformer(), None)
    assert torch.equal(got, wanted)


CHANGES: dict[str, dict[str, Any]] = {
    "residuals in turn": {
        "controlnet_block_samples": [torch.ones(2, 6, 32), torch.full((2, 6, 32), -2.0)],
        "controlnet_blocks_repeat": True,
    },
    "one residual for all rows": {"controlnet_single_block_samples": [torch.ones(1, 6, 32)]},
    "a mask for each row": {
        "joint_attention_kwargs": {
            "attention_mask": torch.tensor([[True] * 11, [True] * 8 + [False] * 3])[:, None, None]
        }
    },
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@torch.no_grad()
def test_what_no_pipeline_here_passes_is_diffusers_too(change: dict[str, Any]) -> None:
    model = lively_transformer()
    given = {**arguments(), **change}
    wanted = model(**given).sample
    attention = {**given.pop("joint_attention_kwargs", {}), "h2cache": NOTHING}
    assert torch.equal(H2Cache(model)(**given, joint_attention_kwargs=attention).sample, wanted)
    assert not torch.equal(wanted, model(**arguments()).sample)


@torch.no_grad()
def test_one_timestep_and_guidance_stand_for_all_rows() -> None:
    """Not bit for bit: diffusers embeds one row and adds it to all, here each row has an embedding of its own."""
    model = lively_transformer()
    given = {**arguments(), "timestep": torch.tensor(0.4), "guidance": torch.tensor([2.0])}
    wanted = model(**{**given, "timestep": torch.tensor([0.4])}).sample
    got = H2Cache(model)(**given, joint_attention_kwargs={"h2cache": NOTHING}, return_dict=False)[0]
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_extras_follow_the_rows_that_are_under_way() -> None:
    """Row 0 is computed while row 1 is reused: its residual and its mask have to be its own."""
    model = lively_transformer()
    wrapped = H2Cache(model)
    change = {**CHANGES["residuals in turn"], **CHANGES["a mask for each row"]}
    change["controlnet_block_samples"] = [torch.stack([torch.ones(6, 32), torch.zeros(6, 32)])]
    said = {"h2cache": [NOTHING, ALL], **change.pop("joint_attention_kwargs")}
    given = {**arguments(), **change}
    wrapped(**given, joint_attention_kwargs=said)
    moved = {**given, "hidden_states": given["hidden_states"] + 0.3}
    got = wrapped(**moved, joint_attention_kwargs=said).sample
    del said["h2cache"]
    wanted = model(**moved, joint_attention_kwargs=said).sample
    torch.testing.assert_close(got[0], wanted[0], rtol=1e-5, atol=1e-5)
    assert (got[1] - wanted[1]).abs().max() > 1e-3


@torch.no_grad()
def test_fills_further_channels_go_in_behind_the_latents() -> None:
    model = tiny_transformer(further=12)
    given = {
        "hidden_states": torch.randn(2, 6, CHANNELS + 12, generator=torch.Generator().manual_seed(9)),
        "encoder_hidden_states": torch.ones(2, 5, TEXT_WIDTH),
        "pooled_projections": torch.ones(2, POOLED_WIDTH),
        "timestep": torch.full((2,), 0.7),
        "guidance": torch.full((2,), 30.0),
        "img_ids": torch.zeros(6, 3),
        "txt_ids": torch.zeros(5, 3),
    }
    got = H2Cache(model)(**given, joint_attention_kwargs={"h2cache": NOTHING}).sample
    assert torch.equal(got, model(**given).sample)
