"""A trained model written as a diffusers pipeline folder, weights in bfloat16."""

import copy
import shutil
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.transformers.transformer_flux import FluxAttnProcessor

from nano.base import Model
from nano.flow import BASE_SHIFT, BASE_TOKENS, MAX_SHIFT, MAX_TOKENS
from nano.tokenizers import build_clip_tokenizer, build_t5_tokenizer

FOLDER = Path(__file__).parent / "flux-nano"


def build_pipeline(model: Model, vae: AutoencoderTiny) -> FluxPipeline:
    """The parts put together; the training-only head and attention are left behind."""
    model.trainee.flux.set_attn_processor(FluxAttnProcessor())
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(
            shift=3.0,
            use_dynamic_shifting=True,
            base_shift=BASE_SHIFT,
            max_shift=MAX_SHIFT,
            base_image_seq_len=BASE_TOKENS,
            max_image_seq_len=MAX_TOKENS,
        ),
        vae=vae,
        text_encoder=model.text.clip,
        tokenizer=build_clip_tokenizer(),
        text_encoder_2=model.text.t5,
        tokenizer_2=build_t5_tokenizer(),
        transformer=model.trainee.flux,
    )


@torch.no_grad()
def fix_guidance(model: Model, guidance: float = 1.0) -> Model:
    """A copy for which every guidance scale counts as one: what has only been trained at 1 knows no other."""
    fixed = copy.deepcopy(model)
    embed = fixed.trainee.flux.time_text_embed
    first = embed.guidance_embedder.linear_1
    constant = first(embed.time_proj(torch.tensor([1000 * guidance])))[0]
    first.weight.zero_()
    first.bias.copy_(constant)
    return fixed


def export(model: Model, vae: AutoencoderTiny, folder: Path = FOLDER) -> None:
    """Write the folder whole: aside first, then renamed."""
    vae.register_to_config(_name_or_path="")  # where it was trained says nothing here
    aside = folder.with_name(folder.name + ".part")
    shutil.rmtree(aside, ignore_errors=True)
    build_pipeline(model, vae).to(dtype=torch.bfloat16).save_pretrained(aside)
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
