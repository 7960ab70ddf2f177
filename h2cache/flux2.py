"""FLUX.2 (dev, klein): diffusers' Flux2Transformer2DModel, its own blocks called."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from h2cache.adapter import Adapter
from h2cache.block_call import AttentionKwargs, BlockCall, call_block, no_attention
from h2cache.family import Block, Conditioning, StepInputs, Streams

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel


class Flux2(Adapter):
    """D 6144 and C 128 in dev. A block of either kind costs 26 D^2 FLOPs a token and the same attention.

    The modulation is computed once a step for all blocks of a kind, and each sample has a row of it:
    ``Conditioning.per_sample`` is the time embedding (B, D), the modulation of the double blocks' image (B, 6 D)
    and text (B, 6 D), and that of the single blocks (B, 3 D). Not here: the key-value cache of klein's KV
    pipeline, in which reference tokens are not computed again.
    """

    def embed(self, inputs: StepInputs) -> tuple[Streams, Conditioning]:
        """As Flux2Transformer2DModel.forward does before its first block."""
        model = self.transformer
        img = model.x_embedder(inputs.image_stream)
        timestep = inputs.timestep.to(img.dtype) * 1000
        guidance = None if inputs.guidance is None else inputs.guidance.to(img.dtype) * 1000
        temb = model.time_guidance_embed(timestep, guidance)
        per_sample = (
            temb,
            model.double_stream_modulation_img(temb),
            model.double_stream_modulation_txt(temb),
            model.single_stream_modulation(temb),
            *self.extras,
        )
        txt = model.context_embedder(inputs.prompt_embeds)
        cos, sin = model.pos_embed(torch.cat([inputs.txt_ids, inputs.image_stream_ids]))
        return Streams(txt, img), Conditioning(per_sample, (cos, sin), inputs.num_references)

    def modulated_input(self, streams: Streams, conditioning: Conditioning) -> Tensor:
        """The first double-stream block's modulated norm of the image stream (B, T, D)."""
        shift, scale = conditioning.per_sample[1].unsqueeze(1).chunk(6, dim=-1)[:2]
        modulated: Tensor = self.transformer.transformer_blocks[0].norm1(streams.img)
        return modulated * (1 + scale) + shift

    def head(self, streams: Streams, conditioning: Conditioning) -> Tensor:
        """As Flux2Transformer2DModel.forward does after its last block."""
        velocity: Tensor = self.transformer.proj_out(
            self.transformer.norm_out(streams.img, conditioning.per_sample[0])
        )
        return velocity


def flux2_model(
    transformer: "Flux2Transformer2DModel",
    call: BlockCall = call_block,
    attention: AttentionKwargs = no_attention,
) -> Flux2:
    """See a Flux2Transformer2DModel as a row of blocks; nothing of it is changed or copied."""
    doubles, singles = transformer.transformer_blocks, transformer.single_transformer_blocks
    blocks = [
        *(_double(module, call, attention) for module in doubles),
        *(_single(module, call, attention) for module in singles),
    ]
    return Flux2(transformer, blocks, len(doubles))


def _double(module: nn.Module, call: BlockCall, attention: AttentionKwargs) -> Block:
    def run(streams: Streams, conditioning: Conditioning) -> Streams:
        per_sample = {
            "hidden_states": streams.img,
            "encoder_hidden_states": streams.txt,
            "temb_mod_img": conditioning.per_sample[1],
            "temb_mod_txt": conditioning.per_sample[2],
            "joint_attention_kwargs": attention(conditioning),
        }
        txt, img = call(module, per_sample, {"image_rotary_emb": conditioning.shared})
        return Streams(txt, img)

    return run


def _single(module: nn.Module, call: BlockCall, attention: AttentionKwargs) -> Block:
    """The block joins the streams; diffusers does it once before the first of them."""

    def run(streams: Streams, conditioning: Conditioning) -> Streams:
        per_sample = {
            "hidden_states": streams.img,
            "encoder_hidden_states": streams.txt,
            "temb_mod": conditioning.per_sample[3],
            "joint_attention_kwargs": attention(conditioning),
        }
        shared = {"image_rotary_emb": conditioning.shared, "split_hidden_states": True}
        txt, img = call(module, per_sample, shared)
        return Streams(txt, img)

    return run
