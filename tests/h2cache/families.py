"""A tiny random transformer of each Flux family and variant, and how its own forward is called."""

from dataclasses import replace
from functools import partial

import torch
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from diffusers.models.transformers.transformer_flux3 import Flux3Transformer2DModel
from torch import Tensor

from h2cache import StepInputs
from tests.h2cache.models import CHANNELS, DEV, TEXT_WIDTH, Family, plain_flux1, tiny_transformer


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


def tiny_flux3(*, distilled: bool = False) -> Flux3Transformer2DModel:
    """Random weights of width 16; a distilled model is told where each step goes to."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Flux3Transformer2DModel(
            in_channels=CHANNELS,
            cond_in_channels=CHANNELS,
            num_layers=2,
            num_single_layers=3,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=TEXT_WIDTH,
            timestep_channels=32,
            axes_dims_rope=(2, 2, 2, 2),
            flow_map=distilled,
        )
    model.eval()
    return model


def plain_flux3(transformer: Flux3Transformer2DModel, given: StepInputs) -> Tensor:
    """What the transformer itself gives."""
    velocity: Tensor = transformer(
        hidden_states=given.latents,
        encoder_hidden_states=given.prompt_embeds,
        timestep=given.timestep,
        img_ids=given.img_ids,
        txt_ids=given.txt_ids,
        image_cond_hidden_states=given.references,
        image_cond_ids=given.reference_ids,
        target_timestep=given.target_timestep,
        return_dict=False,
    )[0]
    return velocity


REFERENCE = (2, 3)
# Its norms of queries and keys are in float32 whatever the rest is in.
FLUX3 = Family(tiny_flux3, plain_flux3, liveliness=4.0, exact=torch.float32)
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
    "FLUX.3": FLUX3,
    "FLUX.3 with a reference": replace(FLUX3, references=REFERENCE),
    "FLUX.3 distilled": replace(FLUX3, build=partial(tiny_flux3, distilled=True), has_target=True),
}
