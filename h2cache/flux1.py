"""FLUX.1 (dev, schnell and their kin) as two stages: diffusers' FluxTransformer2DModel, its own blocks called."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from h2cache.errors import H2CacheError
from h2cache.family import Block, Conditioning, Stage, StepInputs, Streams
from h2cache.sizes import cache_bytes
from h2cache.summary import difference

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel

STRUCTURE_POOL_SIZE, DETAIL_POOL_SIZE = 2048, 384
"""Pool sizes of the two stages in the published code (repository Bluear7878/H2-Cache)."""


@dataclass(frozen=True)
class Flux1:
    """The model as embed -> structure -> detail -> head. Holds no state of a run: threads may share it."""

    transformer: "FluxTransformer2DModel"
    structure: Stage
    detail: Stage

    @property
    def num_double(self) -> int:
        """Double-stream blocks: 19 in FLUX.1."""
        return len(self.structure.blocks)

    @property
    def num_single(self) -> int:
        """Single-stream blocks: 38 in FLUX.1."""
        return len(self.detail.blocks)

    @property
    def width(self) -> int:
        """D, the channels of both streams: 3072 in FLUX.1."""
        return int(self.transformer.inner_dim)

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights and streams."""
        dtype: torch.dtype = self.transformer.dtype
        return dtype

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
        cos, sin = model.pos_embed(torch.cat([inputs.txt_ids, inputs.img_ids]))
        return Streams(txt, img), Conditioning((temb,), (cos, sin))

    def head(self, streams: Streams, conditioning: Conditioning) -> Tensor:
        """As FluxTransformer2DModel.forward does after its last block."""
        (temb,) = conditioning.per_sample
        velocity: Tensor = self.transformer.proj_out(self.transformer.norm_out(streams.img, temb))
        return velocity

    def state_bytes(self, img_tokens: int, txt_tokens: int) -> int:
        """Bytes of a sample's full cache state, see ``cache_bytes``."""
        return cache_bytes(self, img_tokens, txt_tokens)


def flux_model(transformer: "FluxTransformer2DModel") -> Flux1:
    """See a FluxTransformer2DModel as two stages; nothing of it is changed or copied.

    A block of either kind costs 24 D^2 FLOPs a token and the same attention, so their costs are both 1. (Left out:
    the modulation, once a sample: as much as one token more in a double block, a quarter of that in a single one.)
    """
    doubles = [_block(block) for block in transformer.transformer_blocks]
    singles = [_block(block) for block in transformer.single_transformer_blocks]
    if not (doubles and singles):
        raise H2CacheError(
            f"{len(doubles)} double and {len(singles)} single blocks, allowed is at least 1 of each"
        )
    return Flux1(
        transformer,
        Stage(doubles, image_residual, STRUCTURE_POOL_SIZE),
        Stage(singles, joint_residual, DETAIL_POOL_SIZE),
    )


def image_residual(before: Streams, after: Streams) -> Tensor:
    """What the first double-stream block added to the image stream: (B, T, D)."""
    return difference(after.img, before.img)


def joint_residual(before: Streams, after: Streams) -> Tensor:
    """What the first single-stream block added to text and image tokens: (B, S + T, D)."""
    return torch.cat([difference(after.txt, before.txt), difference(after.img, before.img)], 1)


def _block(block: nn.Module) -> Block:
    """Both kinds of block take and give the two streams."""

    def run(streams: Streams, conditioning: Conditioning) -> Streams:
        txt, img = block(
            hidden_states=streams.img,
            encoder_hidden_states=streams.txt,
            temb=conditioning.per_sample[0],
            image_rotary_emb=conditioning.shared,
        )
        return Streams(txt, img)

    return run
