"""FLUX.1 (dev, schnell): what FluxPipeline does around its transformer."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from diffusers import FluxPipeline, FluxTransformer2DModel
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from torch import Tensor
from torch.nn import functional
from transformers import CLIPTextModel, T5EncoderModel

from server.engine.embedding import Embedding
from server.engine.latents import grid, positions
from server.request import ImageInput


class Flux1:
    """CLIP and T5, 3 axes of positions, 2 x 2 patches packed channel first."""

    pipeline_class: Any = FluxPipeline
    transformer_class: Any = FluxTransformer2DModel
    encoders: ClassVar[Mapping[str, Any]] = {"text_encoder": CLIPTextModel, "text_encoder_2": T5EncoderModel}
    other_parts = ("scheduler", "tokenizer", "tokenizer_2", "transformer", "vae")

    image_input = ImageInput.START

    def encode(self, pipeline: Any, prompt: str, text_length: int) -> Embedding:
        """T5's states and CLIP's pooled vector."""
        tokens, pooled, _ = pipeline.encode_prompt(
            prompt, prompt_2=None, device=pipeline.device, max_sequence_length=text_length
        )
        read = pipeline.tokenizer_2(prompt, padding="max_length", truncation=True, max_length=text_length)
        return Embedding(tokens[0], pooled[0], sum(read.attention_mask))

    def embeds_guidance(self, pipeline: Any) -> bool:
        """Dev does, schnell does not."""
        return bool(pipeline.transformer.config.guidance_embeds)

    def guides_by_two(self, pipeline: Any, guidance: float) -> bool:
        """Never: the models are distilled from guidance."""
        return False

    def mu(self, config: Mapping[str, Any], img_tokens: int, steps: int) -> float:
        """Linear in the image's tokens."""
        mu: float = calculate_shift(
            img_tokens,
            config.get("base_image_seq_len", 256),
            config.get("max_image_seq_len", 4096),
            config.get("base_shift", 0.5),
            config.get("max_shift", 1.15),
        )
        return mu

    def draw_noise(
        self, generator: torch.Generator, channels: int, width: int, height: int, dtype: torch.dtype
    ) -> Tensor:
        """Drawn as an image of latents, then packed."""
        rows, columns = grid(width, height)
        shape = (1, channels // 4, 2 * rows, 2 * columns)
        return pack(torch.randn(shape, generator=generator, dtype=dtype))

    def image_ids(self, width: int, height: int, device: torch.device) -> Tensor:
        """Zero, row and column."""
        return positions(width, height, 3, device)

    def text_ids(self, tokens: int, device: torch.device) -> Tensor:
        """Zeros."""
        return torch.zeros(tokens, 3, device=device)

    def encode_image(self, vae: Any, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        """Shifted, scaled and packed."""
        latents = latents_of(vae.encode(pixels), generator)
        return pack((latents - vae.config.shift_factor) * vae.config.scaling_factor)

    def pack_mask(self, mask: Tensor, channels: int) -> Tensor:
        """For each pixel of the latents that pixel of the mask which is nearest."""
        height, width = mask.shape[-2:]
        small = functional.interpolate(mask, size=(height // 8, width // 8))
        return pack(small.repeat(1, channels // 4, 1, 1))

    def reference_ids(self, width: int, height: int, count: int, device: torch.device) -> Tensor:
        """Counted from 1 on the first axis, as FLUX.1 Kontext was taught for one image."""
        ids = positions(width, height, 3, device).repeat(count, 1)
        ids[:, 0] = 1 + torch.arange(count, device=device).repeat_interleave(len(ids) // count)
        return ids

    def further(self, vae: Any, pixels: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor | None:
        """None."""
        return None

    def to_vae(self, vae: Any, latents: Tensor, width: int, height: int) -> Tensor:
        """Unpacked, scaled and shifted."""
        rows, columns = grid(width, height)
        patches = latents.view(rows, columns, -1, 2, 2).permute(2, 0, 3, 1, 4)
        unpacked = patches.reshape(1, -1, 2 * rows, 2 * columns)
        scaled: Tensor = unpacked / vae.config.scaling_factor + vae.config.shift_factor
        return scaled


def pack(latents: Tensor) -> Tensor:
    """(1, c, 2 rows, 2 columns) -> (rows * columns, 4 c): 2 x 2 patches, channel first."""
    _, channels, height, width = latents.shape
    patches = latents.view(channels, height // 2, 2, width // 2, 2).permute(1, 3, 0, 2, 4)
    return patches.reshape(height * width // 4, 4 * channels)


def latents_of(encoded: Any, generator: torch.Generator | None) -> Tensor:
    """A draw from the VAE's distribution, or without a generator its mode; AutoencoderTiny has no distribution."""
    if not hasattr(encoded, "latent_dist"):
        latents: Tensor = encoded.latents
        return latents
    distribution = encoded.latent_dist
    drawn: Tensor = distribution.mode() if generator is None else distribution.sample(generator)
    return drawn
