"""FLUX.3: diffusers' Flux3Transformer2DModel, its own blocks called."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from h2cache.adapter import Adapter
from h2cache.block_call import BlockCall, call_block
from h2cache.errors import H2CacheError
from h2cache.family import Block, Conditioning, StepInputs, Streams

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_flux3 import Flux3Transformer2DModel


class Flux3(Adapter):
    """D 3072, C 128. The structure stage is the blocks in which text, image and references do not meet.

    A block of either kind costs 26 D^2 FLOPs a token; left out of the costs: attention of structure blocks is
    within each mode. ``Conditioning.per_sample`` is the image's time embedding (B, 1, D), the modulation of the
    structure blocks' image and text (B, 1, 3 D), of the detail blocks' text (B, 1, 3 D) and image stream (B, 1 or
    T + R, 3 D), and with references that of their structure blocks (B, 1, 3 D). Text and references sit at
    timestep 0.
    """

    def embed(self, inputs: StepInputs) -> tuple[Streams, Conditioning]:
        """As Flux3Transformer2DModel.forward does before its first block."""
        model = self.transformer
        img = model.x_embedders["image"](inputs.latents)
        txt = model.context_embedder(inputs.prompt_embeds)
        now, still = self._time_embeddings(inputs)
        early, late = model.early_stream_modulations, model.single_stream_modulations
        moving, resting = F.silu(now), F.silu(still)
        per_sample = [now, early["image"](moving), early["txt"](resting), late["txt"](resting)]
        ids = [inputs.txt_ids, inputs.img_ids]
        content = late["image"](moving)
        if inputs.references is not None:
            assert inputs.reference_ids is not None
            references = model.x_embedders["image_cond"](inputs.references)
            each = late["image_cond"](resting).expand(-1, references.shape[1], -1)
            content = torch.cat([content.expand(-1, img.shape[1], -1), each], 1)
            img = torch.cat([img, references], 1)
            ids.append(inputs.reference_ids)
        per_sample.append(content)
        if inputs.references is not None:
            per_sample.append(early["image_cond"](resting))
        # Of text, image and references apart, and then of all of them: cosine and sine each.
        tables = [table for each in (*ids, torch.cat(ids)) for table in model.pos_embed(each)]
        return Streams(txt, img), Conditioning(tuple(per_sample), tuple(tables), inputs.num_references)

    def _time_embeddings(self, inputs: StepInputs) -> tuple[Tensor, Tensor]:
        """(B, 1, D) each: at the sample's timestep, and at 0; distilled models add where the step goes to."""
        model = self.transformer
        if (inputs.target_timestep is not None) != bool(model.config.flow_map):
            said = "None" if inputs.target_timestep is None else "given"
            raise H2CacheError(f"target_timestep is {said}, allowed is one for a distilled model and for no other")
        dtype = inputs.latents.dtype

        def embedded(embedder: nn.Module, timestep: Tensor) -> Tensor:
            embedding: Tensor = embedder(model.time_proj(timestep.to(dtype) * 1000).to(dtype))
            return embedding[:, None, :]

        now = embedded(model.timestep_embedder, inputs.timestep)
        still = embedded(model.timestep_embedder, torch.zeros_like(inputs.timestep))
        if inputs.target_timestep is None:
            return now, still
        target = embedded(model.target_timestep_embedder, inputs.target_timestep)
        return now + target, still + target

    def modulated_input(self, streams: Streams, conditioning: Conditioning) -> Tensor:
        """The first structure block's modulated norm of the image stream (B, T, D)."""
        shift, scale, _ = conditioning.per_sample[1].chunk(3, dim=-1)
        modulated: Tensor = self.transformer.mode_blocks["image"][0].norm(streams.img)
        return modulated * (1 + scale) + shift

    def head(self, streams: Streams, conditioning: Conditioning) -> Tensor:
        """As Flux3Transformer2DModel.forward does after its last block."""
        velocity: Tensor = self.transformer.proj_out(
            self.transformer.norm_out(streams.img, conditioning.per_sample[0])
        )
        return velocity


def flux3_model(transformer: "Flux3Transformer2DModel", call: BlockCall = call_block) -> Flux3:
    """See a Flux3Transformer2DModel as a row of blocks; nothing of it is changed or copied.

    ``call`` is for the detail blocks; structure blocks, a module a mode, are called as they are.
    """
    modes = transformer.mode_blocks
    doubles = zip(transformer.txt_mode_blocks, modes["image"], modes["image_cond"], strict=True)
    structure = [_by_mode(*blocks) for blocks in doubles]
    detail = [_joint(module, call) for module in transformer.single_transformer_blocks]
    return Flux3(transformer, [*structure, *detail], len(structure))


def _by_mode(of_text: nn.Module, of_image: nn.Module, of_references: nn.Module) -> Block:
    """Each of the modes by itself."""

    def run(streams: Streams, conditioning: Conditioning) -> Streams:
        tables, parts = conditioning.shared, conditioning.per_sample
        txt = of_text(streams.txt, parts[2], tables[:2])
        img = of_image(conditioning.without_references(streams).img, parts[1], tables[2:4])
        if conditioning.num_references:
            references = streams.img[:, -conditioning.num_references :]
            img = torch.cat([img, of_references(references, parts[5], tables[4:6])], 1)
        return Streams(txt, img)

    return run


def _joint(module: nn.Module, call: BlockCall) -> Block:
    def run(streams: Streams, conditioning: Conditioning) -> Streams:
        parts = conditioning.per_sample
        per_sample = {
            "hidden_states": streams.img,
            "encoder_hidden_states": streams.txt,
            "temb_mod": parts[4],
            "temb_mod_context": parts[3],
        }
        txt, img = call(module, per_sample, {"image_rotary_emb": conditioning.shared[-2:]})
        return Streams(txt, img)

    return run
