"""Tiny random FLUX.1 transformers, and what the model of a family takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from torch import Tensor

from h2cache import FluxModel, StepInputs, flux_model

CHANNELS, TEXT_WIDTH, POOLED_WIDTH = 8, 12, 10


def tiny_transformer(
    seed: int = 0, *, double: int = 2, single: int = 3, guidance: bool = True, heads: int = 2, further: int = 0
) -> FluxTransformer2DModel:
    """Random weights of width 8 x heads; ``further`` channels come in behind the latents.

    The blocks' modulation is scaled up: as drawn, it hardly changes from step to step, and all distances would be
    near zero. So they spread over about 0.02 to 1, and every kind of step occurs.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = FluxTransformer2DModel(
            in_channels=CHANNELS + further,
            out_channels=CHANNELS,
            num_layers=double,
            num_single_layers=single,
            attention_head_dim=8,
            num_attention_heads=heads,
            joint_attention_dim=TEXT_WIDTH,
            pooled_projection_dim=POOLED_WIDTH,
            guidance_embeds=guidance,
            axes_dims_rope=(2, 2, 4),
        )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name and "linear" in name:
                weight.mul_(3.0)
    model.eval()
    return model


def tiny_model(dtype: torch.dtype = torch.float32) -> FluxModel:
    return flux_model(tiny_transformer().to(dtype))


def shared_model() -> tuple[FluxTransformer2DModel, FluxModel]:
    """A transformer in float64 and its view, to be held against the oracle."""
    transformer = tiny_transformer().double()
    return transformer, flux_model(transformer)


@dataclass(frozen=True)
class Family:
    """What a model takes: in ``inputs_of``'s steps, and in its own forward, which ``plain`` calls.

    ``axes`` of positions, ``further`` channels behind the latents', ``references`` as rows and columns of tokens.
    ``liveliness`` is how far a tiny model's samples move in a step, against those of FLUX.1 dev. ``exact`` is the
    widest type that the model runs in.
    """

    build: Callable[[], Any]
    plain: Callable[[Any, StepInputs], Tensor]
    axes: int = 4
    further: int = 0
    has_pooled: bool = False
    has_guidance: bool = False
    has_target: bool = False
    references: tuple[int, int] | None = None
    liveliness: float = 1.0
    exact: torch.dtype = torch.float64

    def exact_model(self) -> FluxModel:
        return flux_model(self.build().to(self.exact))

    @property
    def nearness(self) -> float:
        """How far apart latents may be that two batches of ``exact_model`` give of one sample."""
        return 1e-9 if self.exact is torch.float64 else 1e-4


def plain_flux1(transformer: FluxTransformer2DModel, given: StepInputs) -> Tensor:
    """What the transformer itself gives, as the pipelines cut it."""
    velocity: Tensor = transformer(
        hidden_states=given.image_stream,
        encoder_hidden_states=given.prompt_embeds,
        pooled_projections=given.pooled,
        timestep=given.timestep,
        guidance=given.guidance,
        img_ids=given.image_stream_ids,
        txt_ids=given.txt_ids,
        return_dict=False,
    )[0]
    return velocity[:, : given.latents.shape[1]]


DEV = Family(tiny_transformer, plain_flux1, axes=3, has_pooled=True, has_guidance=True)
