"""Tiny random Flux pipelines on disk, in the diffusers folder layout, with nothing downloaded.

The parts are the real classes at a small width: T5 and CLIP with tokenizers made from letters, AutoencoderKL with
8x and 16 channels, FluxTransformer2DModel in dev's shape (guidance embedding, resolution shift) or in schnell's.
"""

import string
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    FluxFillPipeline,
    FluxKontextPipeline,
    FluxPipeline,
    FluxTransformer2DModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel, T5Tokenizer

TEXT_LENGTH = 40
T5_WIDTH = 32
CLIP_WIDTH = 24


def save_tiny_flux(
    folder: Path,
    *,
    guidance_embeds: bool = True,
    num_double: int = 2,
    num_single: int = 3,
    dtype: torch.dtype = torch.float32,
    pipeline_class: Any = FluxPipeline,
    further: int = 0,
) -> Path:
    """Write a random pipeline into ``folder``: FLUX.1-dev's shape, or schnell's without guidance embedding.

    Kontext has a class of its own, Fill besides ``further`` channels behind those of the latents.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline = pipeline_class(
            scheduler=dev_scheduler() if guidance_embeds else schnell_scheduler(),
            vae=tiny_vae(),
            text_encoder=tiny_clip(),
            tokenizer=clip_tokenizer(),
            text_encoder_2=tiny_t5(),
            tokenizer_2=t5_tokenizer(),
            transformer=tiny_transformer(guidance_embeds, num_double, num_single, further),
        )
    pipeline.to(dtype=dtype)
    pipeline.save_pretrained(folder)
    return folder


def dev_scheduler() -> FlowMatchEulerDiscreteScheduler:
    """FLUX.1-dev's settings: the shift follows the resolution."""
    return FlowMatchEulerDiscreteScheduler(
        shift=3.0,
        use_dynamic_shifting=True,
        base_shift=0.5,
        max_shift=1.15,
        base_image_seq_len=256,
        max_image_seq_len=4096,
    )


def schnell_scheduler() -> FlowMatchEulerDiscreteScheduler:
    """FLUX.1-schnell's settings: no shift."""
    return FlowMatchEulerDiscreteScheduler(shift=1.0, use_dynamic_shifting=False)


def save_tiny_kontext(folder: Path) -> Path:
    """FLUX.1 Kontext's shape: dev's, told of images by tokens of theirs."""
    return save_tiny_flux(folder, pipeline_class=FluxKontextPipeline)


def save_tiny_fill(folder: Path) -> Path:
    """FLUX.1 Fill's shape: 64 channels of a masked image and 256 of a mask behind those of the latents."""
    return save_tiny_flux(folder, pipeline_class=FluxFillPipeline, further=64 + 256)


def tiny_transformer(
    guidance_embeds: bool, num_double: int, num_single: int, further: int = 0
) -> FluxTransformer2DModel:
    """Width 32 with FLUX.1's 64 packed channels; the head is widened so that steps move the latents visibly."""
    transformer = FluxTransformer2DModel(
        in_channels=64 + further,
        out_channels=64,
        num_layers=num_double,
        num_single_layers=num_single,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=T5_WIDTH,
        pooled_projection_dim=CLIP_WIDTH,
        guidance_embeds=guidance_embeds,
        axes_dims_rope=(4, 6, 6),
    )
    torch.nn.init.normal_(transformer.proj_out.weight, std=0.2)
    return transformer.eval()


def tiny_vae() -> AutoencoderKL:
    """8x, 16 latent channels, scaled and shifted as FLUX.1's; the last layer is widened for contrast."""
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=16,
        layers_per_block=1,
        norm_num_groups=4,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )
    torch.nn.init.normal_(vae.decoder.conv_out.weight, std=0.1)
    return vae.eval()


def tiny_clip() -> CLIPTextModel:
    """A CLIP text encoder of two layers for ``clip_tokenizer``."""
    vocabulary = clip_vocabulary()
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(vocabulary),
            hidden_size=CLIP_WIDTH,
            intermediate_size=32,
            num_attention_heads=2,
            num_hidden_layers=2,
            projection_dim=CLIP_WIDTH,
            bos_token_id=vocabulary["<|startoftext|>"],
            eos_token_id=vocabulary["<|endoftext|>"],
            pad_token_id=vocabulary["<|endoftext|>"],
        )
    ).eval()


def tiny_t5() -> T5EncoderModel:
    """A T5 encoder of two layers for ``t5_tokenizer``."""
    return T5EncoderModel(
        T5Config(
            vocab_size=len(t5_pieces()),
            d_model=T5_WIDTH,
            d_kv=8,
            d_ff=32,
            num_heads=2,
            num_layers=2,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,
        )
    ).eval()


def clip_vocabulary() -> dict[str, int]:
    """Printable ASCII letter by letter, inside and at the end of a word."""
    letters = [letter for letter in string.printable if letter.isprintable() and letter != " "]
    pieces = ["<|startoftext|>", "<|endoftext|>", "<|unknown|>", *letters, *(f"{a}</w>" for a in letters)]
    return {piece: index for index, piece in enumerate(pieces)}


def clip_tokenizer() -> CLIPTokenizer:
    """Byte-pair encoding without merges."""
    return CLIPTokenizer(vocab=clip_vocabulary(), merges=[], unk_token="<|unknown|>", model_max_length=77)


def t5_pieces() -> list[tuple[str, float]]:
    """Single letters and digits, and a few pairs."""
    letters = [(letter, -4.0) for letter in string.ascii_letters + string.digits + ".,"]
    return [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0), ("▁a", -3.0), ("re", -5.0), *letters]


def t5_tokenizer() -> T5Tokenizer:
    """Unigram over ``t5_pieces``."""
    return T5Tokenizer(vocab=t5_pieces(), extra_ids=0, model_max_length=512)
