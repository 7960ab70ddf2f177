"""FLUX.1 (dev, schnell, Kontext, Fill): diffusers' FluxTransformer2DModel, its own blocks called."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from h2cache.adapter import Adapter
from h2cache.block_call import AttentionKwargs, BlockCall, call_block, no_attention
from h2cache.errors import H2CacheError
from h2cache.family import Block, Conditioning, StepInputs, Streams

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel


class Flux1(Adapter):
    """D 3072, C 64. A block of either kind costs 24 D^2 FLOPs a token and the same attention.

    Left out of the costs: the modulation, once a sample: as much as one token more in a double block, a quarter of
    that in a single one.
    """

    def embed(self, inputs: StepInputs) -> tuple[Streams, Conditioning]:
        """As FluxTransformer2DModel.forward does before its first block."""
        if inputs.pooled is None:
            raise H2CacheError("pooled is None, allowed is the prompt's pooled vector (B, P)")
        model = self.transformer
        img = model.x_embedder(inputs.image_stream)
        timestep = inputs.timestep.to(img.dtype) * 1000
        if inputs.guidance is None:
            temb = model.time_text_embed(timestep, inputs.pooled)
        else:
            temb = model.time_text_embed(timestep, inputs.guidance.to(img.dtype) * 1000, inputs.pooled)
        txt = model.context_embedder(inputs.prompt_embeds)
        cos, sin = model.pos_embed(torch.cat([inputs.txt_ids, inputs.image_stream_ids]))
        return Streams(txt, img), Conditioning((temb, *self.extras), (cos, sin), inputs.num_references)

    def modulated_input(self, streams: Streams, conditioning: Conditioning) -> Tensor:
        """The first double-stream block's modulated norm of the image stream (B, T, D)."""
        temb, *_ = conditioning.per_sample
        modulated: Tensor = self.transformer.transformer_blocks[0].norm1(streams.img, emb=temb)[0]
        return modulated

    def head(self, streams: Streams, conditioning: Conditioning) -> Tensor:
        """As FluxTransformer2DModel.forward does after its last block."""
        temb, *_ = conditioning.per_sample
        velocity: Tensor = self.transformer.proj_out(self.transformer.norm_out(streams.img, temb))
        return velocity


def flux1_model(
    transformer: "FluxTransformer2DModel",
    call: BlockCall = call_block,
    attention: AttentionKwargs = no_attention,
) -> Flux1:
    """See a FluxTransformer2DModel as a row of blocks; nothing of it is changed or copied."""
    doubles, singles = transformer.transformer_blocks, transformer.single_transformer_blocks
    return Flux1(transformer, [_block(module, call, attention) for module in (*doubles, *singles)], len(doubles))


def _block(module: nn.Module, call: BlockCall, attention: AttentionKwargs) -> Block:
    """Both kinds of block take and give the two streams."""

    def run(streams: Streams, conditioning: Conditioning) -> Streams:
        per_sample = {
            "hidden_states": streams.img,
            "encoder_hidden_states": streams.txt,
            "temb": conditioning.per_sample[0],
            "joint_attention_kwargs": attention(conditioning),
        }
        txt, img = call(module, per_sample, {"image_rotary_emb": conditioning.shared})
        return Streams(txt, img)

    return run
