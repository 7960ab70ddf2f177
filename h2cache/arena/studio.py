"""A model with what is around it: prompts to embeddings, seeds to noise, latents to images."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers import DiffusionPipeline, FluxPipeline
from torch import Tensor

from h2cache.arena.schedule import flux_sigmas
from h2cache.errors import H2CacheError
from h2cache.family import FluxModel
from h2cache.flux import flux_model

Image = npt.NDArray[np.uint8]
Checker = Callable[[str, Image], bool | None]
"""Prompt and image to whether all is right; None where that cannot be said."""
NANO = Path(__file__).parents[2] / "nano" / "flux-nano"
NANO_NAMES = ("flux-nano", "nano")
NANO_CHECKER = "nano.said:is_right"
LONGEST_TEXT = 512
PIPELINES = ("FluxPipeline", "FluxKontextPipeline")
"""By the name in a folder's model_index.json; a Kontext makes images of prompts alone here."""


@dataclass(frozen=True)
class Studio:
    """A FluxPipeline on its device; its parts are registered at run time, so that types do not know them."""

    pipeline: Any
    model: FluxModel
    checker: Checker | None
    width: int
    height: int
    guidance: float
    _embedded: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of image tokens, 16 pixels each."""
        return self.height // 16, self.width // 16

    @property
    def takes_guidance(self) -> bool:
        """True where guidance is an input of the transformer."""
        return bool(self.pipeline.transformer.config.guidance_embeds)

    @torch.inference_mode()
    def embed(self, prompt: str) -> tuple[Tensor, Tensor]:
        """T5's states (S, E) and CLIP's vector (P,)."""
        if prompt not in self._embedded:
            length = min(self.pipeline.tokenizer_2.model_max_length, LONGEST_TEXT)
            tokens, pooled, _ = self.pipeline.encode_prompt(prompt, None, max_sequence_length=length)
            self._embedded[prompt] = tokens[0], pooled[0]
        return self._embedded[prompt]

    def noise(self, seed: int) -> tuple[Tensor, Tensor]:
        """Latents (T, C) as FluxPipeline draws them for one image, and the tokens' positions (T, 3)."""
        pipeline, generator = self.pipeline, torch.Generator().manual_seed(seed)
        channels = pipeline.transformer.config.in_channels // 4
        latents, ids = pipeline.prepare_latents(
            1, channels, self.height, self.width, self.model.dtype, pipeline.device, generator
        )
        return latents[0], ids

    def sigmas(self, steps: int) -> list[float]:
        """``steps`` + 1 noise levels, as FluxPipeline sets them."""
        rows, columns = self.grid
        return flux_sigmas(self.pipeline.scheduler, rows * columns, steps, self.pipeline.device)

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Image:
        """Latents (T, C) to H W 3."""
        pipeline = self.pipeline
        unpacked = pipeline._unpack_latents(latents[None], self.height, self.width, pipeline.vae_scale_factor)
        scaled = unpacked / pipeline.vae.config.scaling_factor + pipeline.vae.config.shift_factor
        decoded = pipeline.vae.decode(scaled, return_dict=False)[0][0].float()
        unit = (decoded / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).cpu().numpy()
        image: Image = (unit * 255).round().astype(np.uint8)
        return image

    def check(self, prompt: str, image: Image) -> bool | None:
        """Whether the image shows the prompt, where somebody can tell."""
        return None if self.checker is None else self.checker(prompt, image)


def model_name(name: str) -> str:
    """The one name of a model that has two."""
    return NANO_NAMES[0] if name in NANO_NAMES else name


def open_studio(name: str, width: int, height: int, guidance: float, device: str, checker: str | None) -> Studio:
    """Load a model by its folder or hub id, or flux-nano by its name; in float32 on a CPU, else in bfloat16."""
    is_nano = name in NANO_NAMES
    source = str(NANO) if is_nano else name
    if not (is_nano or Path(source).is_dir() or source.count("/") == 1):
        raise H2CacheError(f"model is {name[:64]!r}, allowed are flux-nano, a folder, or a hub id OWNER/NAME")
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    try:
        refuse_other_families(name, source)
        pipeline: Any = FluxPipeline.from_pretrained(source, dtype=dtype)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise H2CacheError(f"cannot load model {name[:64]!r}: {str(error).splitlines()[0][:200]}") from error
    pipeline.to(device)
    pipeline.set_progress_bar_config(disable=True)
    named = checker or (NANO_CHECKER if is_nano else None)
    model = flux_model(pipeline.transformer)
    return Studio(pipeline, model, None if named is None else load_checker(named), width, height, guidance)


def refuse_other_families(name: str, source: str) -> None:
    """By the index alone, before any weights are read. Raises H2CacheError."""
    index: Any = DiffusionPipeline.load_config(source)
    named = str(index.get("_class_name") if isinstance(index, dict) else None)
    if named not in PIPELINES:
        raise H2CacheError(
            f"model {name[:64]!r} is a {named[:64]}, allowed in the arena are {', '.join(PIPELINES)}"
        )


def load_checker(name: str) -> Checker:
    """A function by "module:function"."""
    module, _, function = name.partition(":")
    try:
        found: Checker = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise H2CacheError(f"checker is {name[:64]!r}, allowed is MODULE:FUNCTION: {error}") from error
    return found
