"""A tiny random transformer of each Flux family and variant, and how its own forward is called."""

from functools import partial

import torch
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from torch import Tensor

from h2cache import StepInputs
from tests.h2cache.samples import CHANNELS, DEV, TEXT_WIDTH, Family, plain_flux1, tiny_transformer


def tiny_flux2(*, guidance: bool = True) -> Flux2Transformer2DModel:
    """Random weights of width 16; FLUX.2-dev embeds the guidance, klein does not."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Flux2Transformer2DModel(
            in_channels=CHANNELS,
            num_layers=2,
            num_single_layers=3,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=TEXT_WIDTH,
            timestep_guidance_channels=32,
            axes_dims_rope=(2, 2, 2, 2),
            guidance_embeds=guidance,
        )
    model.eval()
    return model


def plain_flux2(transformer: Flux2Transformer2DModel, given: StepInputs) -> Tensor:
    """What the transformer itself gives, as the pipelines cut it."""
    velocity: Tensor = transformer(
        hidden_states=given.image_stream,
        encoder_hidden_states=given.prompt_embeds,
        timestep=given.timestep,
        guidance=given.guidance,
        img_ids=given.image_stream_ids,
        txt_ids=given.txt_ids,
        return_dict=False,
    )[0]
    return velocity[:, : given.latents.shape[1]]


REFERENCE = (2, 3)
FAMILIES = {
    "FLUX.1 dev": DEV,
    "FLUX.1 schnell": Family(partial(tiny_transformer, guidance=False), plain_flux1, axes=3, has_pooled=True),
    "FLUX.1 Kontext": Family(
        tiny_transformer, plain_flux1, axes=3, has_pooled=True, has_guidance=True, references=REFERENCE
    ),
    "FLUX.1 Fill": Family(
        partial(tiny_transformer, further=12),
        plain_flux1,
        axes=3,
        has_pooled=True,
        has_guidance=True,
        further=12,
    ),
    "FLUX.2 dev": Family(tiny_flux2, plain_flux2, has_guidance=True, liveliness=2.5),
    "FLUX.2 klein": Family(partial(tiny_flux2, guidance=False), plain_flux2, liveliness=4.0),
    "FLUX.2 with a reference": Family(
        tiny_flux2, plain_flux2, has_guidance=True, references=REFERENCE, liveliness=2.5
    ),
}
