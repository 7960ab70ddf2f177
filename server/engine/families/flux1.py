"""FLUX.1 (dev, schnell): what FluxPipeline does around its transformer."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from diffusers import FluxPipeline, FluxTransformer2DModel
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from torch import Tensor
from transformers import CLIPTextModel, T5EncoderModel

from server.engine.embedding import Embedding
from server.engine.latents import grid, positions


class Flux1:
    """CLIP and T5, 3 axes of positions, 2 x 2 patches packed channel first."""

    pipeline_class: Any = FluxPipeline
    transformer_class: Any = FluxTransformer2DModel
    encoders: ClassVar[Mapping[str, Any]] = {"text_encoder": CLIPTextModel, "text_encoder_2": T5EncoderModel}
    other_parts = ("scheduler", "tokenizer", "tokenizer_2", "transformer", "vae")

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

    def draw_noise(self, seed: int, channels: int, width: int, height: int, dtype: torch.dtype) -> Tensor:
        """Drawn as an image of latents, then packed."""
        rows, columns = grid(width, height)
        generator = torch.Generator().manual_seed(seed)
        shape = (1, channels // 4, 2 * rows, 2 * columns)
        noise = torch.randn(shape, generator=generator, dtype=dtype)
        patches = noise.view(channels // 4, rows, 2, columns, 2).permute(1, 3, 0, 2, 4)
        return patches.reshape(rows * columns, channels)

    def image_ids(self, width: int, height: int, device: torch.device) -> Tensor:
        """Zero, row and column."""
        return positions(width, height, 3, device)

    def text_ids(self, tokens: int, device: torch.device) -> Tensor:
        """Zeros."""
        return torch.zeros(tokens, 3, device=device)

    def to_vae(self, vae: Any, latents: Tensor, width: int, height: int) -> Tensor:
        """Unpacked, scaled and shifted."""
        rows, columns = grid(width, height)
        patches = latents.view(rows, columns, -1, 2, 2).permute(2, 0, 3, 1, 4)
        unpacked = patches.reshape(1, -1, 2 * rows, 2 * columns)
        scaled: Tensor = unpacked / vae.config.scaling_factor + vae.config.shift_factor
        return scaled
