"""FLUX.1 (dev, schnell and their kin) as two stages: diffusers' FluxTransformer2DModel, its own blocks called."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from h2cache.family import Block, Conditioning, Stage, StepInputs, Streams
from h2cache.summary import window

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel

STRUCTURE_POOL_SIZE, DETAIL_POOL_SIZE = 2048, 384
"""Tokens of the summaries in the published code (repository Bluear7878/H2-Cache)."""


@dataclass(frozen=True)
class Flux1:
    """The model as embed -> structure -> detail -> head."""

    transformer: "FluxTransformer2DModel"
    structure: Stage
    detail: Stage

    def embed(self, inputs: StepInputs) -> tuple[Streams, Conditioning]:
        """As FluxTransformer2DModel.forward does before its first block."""
        model = self.transformer
        img = model.x_embedder(inputs.latents)
        timestep = inputs.timestep.to(img.dtype) * 1000
        if inputs.guidance is None:
            temb = model.time_text_embed(timestep, inputs.pooled)
        else:
            temb = model.time_text_embed(timestep, inputs.guidance.to(img.dtype) * 1000, inputs.pooled)
        txt = model.context_embedder(inputs.prompt_embeds)
        rotary = model.pos_embed(torch.cat([inputs.txt_ids, inputs.img_ids]))
        return Streams(txt, img), Conditioning(temb, rotary)

    def head(self, streams: Streams, conditioning: Conditioning) -> Tensor:
        """As FluxTransformer2DModel.forward does after its last block."""
        model = self.transformer
        velocity: Tensor = model.proj_out(model.norm_out(streams.img, conditioning.temb))
        return velocity

    def state_bytes(self, img_tokens: int, txt_tokens: int) -> int:
        """Residuals of both stages in the model's dtype, summaries in float32."""
        width, tokens = self.transformer.inner_dim, img_tokens + txt_tokens
        residuals = 2 * tokens * width * self.transformer.dtype.itemsize
        return residuals + 4 * (
            _summary_size(img_tokens, width, STRUCTURE_POOL_SIZE) + _summary_size(tokens, width, DETAIL_POOL_SIZE)
        )


def flux_model(transformer: "FluxTransformer2DModel") -> Flux1:
    """See a FluxTransformer2DModel as two stages; nothing of it is changed."""
    double = [_block(block) for block in transformer.transformer_blocks]
    single = [_block(block) for block in transformer.single_transformer_blocks]
    return Flux1(
        transformer,
        Stage(double, image_residual, STRUCTURE_POOL_SIZE),
        Stage(single, joint_residual, DETAIL_POOL_SIZE),
    )


def image_residual(before: Streams, after: Streams) -> Tensor:
    """What the first double-stream block added to the image stream: (B, T, D)."""
    return after.img - before.img


def joint_residual(before: Streams, after: Streams) -> Tensor:
    """What the first single-stream block added to text and image tokens: (B, S + T, D)."""
    return torch.cat([after.txt - before.txt, after.img - before.img], 1)


def _block(block: nn.Module) -> Block:
    """Both kinds of block take and give the two streams."""

    def run(streams: Streams, conditioning: Conditioning) -> Streams:
        txt, img = block(
            hidden_states=streams.img,
            encoder_hidden_states=streams.txt,
            temb=conditioning.temb,
            image_rotary_emb=conditioning.rotary,
        )
        return Streams(txt, img)

    return run


def _summary_size(tokens: int, width: int, pool_size: int) -> int:
    along, across = window(tokens, width, pool_size)
    return (tokens // along) * (width // across)
