"""FLUX.2: what Flux2Pipeline (dev) and Flux2KleinPipeline do around their transformer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from diffusers import Flux2KleinPipeline, Flux2Pipeline, Flux2Transformer2DModel
from diffusers.pipelines.flux2.pipeline_flux2 import compute_empirical_mu, format_input
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional
from transformers import Mistral3ForConditionalGeneration, Qwen3ForCausalLM

from server.engine.embedding import Embedding
from server.engine.families.flux1 import pack
from server.engine.latents import grid, positions
from server.errors import UnknownPrompt
from server.request import ImageInput

PROMPTS_FILE = "prompt_embeds.safetensors"
"""May be in a folder of dev: tensors (S, E) by their prompts, as ``Flux2Pipeline.encode_prompt`` gives them."""


class Flux2:
    """What both have in common: 4 axes of positions, and packed latents that a batch norm has scaled."""

    transformer_class: Any = Flux2Transformer2DModel
    image_input = ImageInput.REFERENCE

    def mu(self, config: Mapping[str, Any], img_tokens: int, steps: int) -> float:
        """Fitted by the authors to tokens and steps."""
        mu: float = compute_empirical_mu(img_tokens, steps)
        return mu

    def draw_noise(
        self, generator: torch.Generator, channels: int, width: int, height: int, dtype: torch.dtype
    ) -> Tensor:
        """Drawn as an image of packed latents."""
        noise = torch.randn((channels, *grid(width, height)), generator=generator, dtype=dtype)
        return noise.flatten(1).T.contiguous()

    def image_ids(self, width: int, height: int, device: torch.device) -> Tensor:
        """Zero, row, column and zero."""
        return positions(width, height, 4, device)

    def text_ids(self, tokens: int, device: torch.device) -> Tensor:
        """The token's number on the last axis."""
        ids = torch.zeros(tokens, 4, device=device)
        ids[:, 3] = torch.arange(tokens, device=device)
        return ids

    def encode_image(self, vae: Any, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        """The mode, packed, then scaled by the batch norm."""
        packed = pack(vae.encode(pixels).latent_dist.mode())
        mean, std = _batch_norm(vae, packed.dtype)
        return (packed - mean) / std

    def pack_mask(self, mask: Tensor, channels: int) -> Tensor:
        """A value for each token, in between along the edges."""
        height, width = mask.shape[-2:]
        small = functional.interpolate(mask, size=grid(width, height), mode="bilinear")
        return small.flatten()[:, None]

    def reference_ids(self, width: int, height: int, count: int, device: torch.device) -> Tensor:
        """Counted in tens on the first axis."""
        ids = positions(width, height, 4, device).repeat(count, 1)
        ids[:, 0] = 10 + 10 * torch.arange(count, device=device).repeat_interleave(len(ids) // count)
        return ids

    def further(self, vae: Any, pixels: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor | None:
        """None."""
        return None

    def to_vae(self, vae: Any, latents: Tensor, width: int, height: int) -> Tensor:
        """The batch norm undone, then unpacked."""
        rows, columns = grid(width, height)
        mean, std = _batch_norm(vae, latents.dtype)
        whole = latents * std + mean
        patches = whole.view(rows, columns, -1, 2, 2).permute(2, 0, 3, 1, 4)
        unpacked: Tensor = patches.reshape(1, -1, 2 * rows, 2 * columns)
        return unpacked


class Klein(Flux2):
    """Qwen3, and classifier-free guidance unless the model is distilled."""

    pipeline_class: Any = Flux2KleinPipeline
    encoders: ClassVar[Mapping[str, Any]] = {"text_encoder": Qwen3ForCausalLM}
    other_parts = ("scheduler", "tokenizer", "transformer", "vae")

    def encode(self, pipeline: Any, prompt: str, text_length: int) -> Embedding:
        """States of three of Qwen3's layers, of the prompt in its chat template."""
        tokens, _ = pipeline.encode_prompt(prompt, device=pipeline.device, max_sequence_length=text_length)
        said = pipeline.tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
        )
        read = pipeline.tokenizer(said, padding="max_length", truncation=True, max_length=text_length)
        return Embedding(tokens[0], None, sum(read.attention_mask))

    def embeds_guidance(self, pipeline: Any) -> bool:
        """Never."""
        return False

    def guides_by_two(self, pipeline: Any, guidance: float) -> bool:
        """Above 1; a distilled model takes no notice of guidance."""
        return guidance > 1 and not pipeline.config.is_distilled


class Dev(Flux2):
    """Mistral, and guidance embedded."""

    pipeline_class: Any = Flux2Pipeline
    encoders: ClassVar[Mapping[str, Any]] = {"text_encoder": Mistral3ForConditionalGeneration}
    other_parts: Sequence[str] = ("scheduler", "tokenizer", "transformer", "vae")

    def encode(self, pipeline: Any, prompt: str, text_length: int) -> Embedding:
        """States of three of Mistral's layers, of the prompt after the pipeline's system message."""
        tokens, _ = pipeline.encode_prompt(prompt, device=pipeline.device, max_sequence_length=text_length)
        read = pipeline.tokenizer.apply_chat_template(
            format_input([prompt], pipeline.system_message),
            add_generation_prompt=False,
            tokenize=True,
            return_dict=True,
            padding="max_length",
            truncation=True,
            max_length=text_length,
        )
        return Embedding(tokens[0], None, sum(read["attention_mask"][0]))

    def embeds_guidance(self, pipeline: Any) -> bool:
        """Yes, unless the transformer says otherwise."""
        return bool(pipeline.transformer.config.guidance_embeds)

    def guides_by_two(self, pipeline: Any, guidance: float) -> bool:
        """Never: the model is distilled from guidance."""
        return False


class DevByEmbeddings(Dev):
    """Dev without Mistral's 24 billion parameters: it knows the prompts that a file has."""

    encoders: ClassVar[Mapping[str, Any]] = {"text_encoder": None, "tokenizer": None}
    other_parts = ("scheduler", "transformer", "vae")

    def __init__(self, file: Path) -> None:
        self._file = file

    def encode(self, pipeline: Any, prompt: str, text_length: int) -> Embedding:
        """What the file has; its tensors have text lengths of their own."""
        with safe_open(self._file, "pt") as prompts:
            if prompt not in prompts.keys():  # noqa: SIM118  # safetensors' handle has no __contains__
                raise UnknownPrompt
            tokens = prompts.get_tensor(prompt)
        return Embedding(tokens.to(pipeline.device, pipeline.dtype), None, len(tokens))


def open_dev(folder: Path) -> Dev:
    """By its embeddings where the folder has them, else by its text encoder."""
    file = folder / PROMPTS_FILE
    return DevByEmbeddings(file) if file.is_file() else Dev()


def _batch_norm(vae: Any, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Mean and deviation (C,) of the packed latents."""
    std = torch.sqrt(vae.bn.running_var + vae.config.batch_norm_eps)
    return vae.bn.running_mean.to(dtype), std.to(dtype)
