"""The random model: FLUX.1's blocks at a small width, random texts, FLUX.1-dev's schedule, no image at the end."""

from dataclasses import dataclass
from zlib import crc32

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxTransformer2DModel
from torch import Tensor

from h2cache.arena.schedule import flux_sigmas
from h2cache.family import FluxModel
from h2cache.flux import flux_model

CHANNELS, TEXT_WIDTH, POOLED, HEAD = 64, 256, 128, 64


@dataclass(frozen=True)
class Shape:
    """Blocks, width in heads of 64, and tokens."""

    num_double: int
    num_single: int
    heads: int
    rows: int
    columns: int
    text_tokens: int


@dataclass(frozen=True)
class RandomModel:
    """A ``Source``: the same weights, texts and noise in every process."""

    model: FluxModel
    shape: Shape
    guidance: float = 3.5
    takes_guidance: bool = True

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of image tokens."""
        return self.shape.rows, self.shape.columns

    def embed(self, prompt: str) -> tuple[Tensor, Tensor]:
        """Random states (S, E) and a random pooled vector (P,), the prompt's own."""
        generator = torch.Generator().manual_seed(crc32(prompt.encode()))
        states = torch.randn(self.shape.text_tokens, TEXT_WIDTH, generator=generator)
        return states, torch.randn(POOLED, generator=generator)

    def noise(self, seed: int) -> tuple[Tensor, Tensor]:
        """Latents (T, C) and the tokens' positions (T, 3)."""
        rows, columns = self.grid
        ids = torch.zeros(rows, columns, 3)
        ids[..., 1] = torch.arange(rows)[:, None]
        ids[..., 2] = torch.arange(columns)[None, :]
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(rows * columns, CHANNELS, generator=generator), ids.flatten(0, 1)

    def sigmas(self, steps: int) -> list[float]:
        """As FLUX.1-dev's scheduler has them for so many tokens."""
        scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True)
        rows, columns = self.grid
        return flux_sigmas(scheduler, rows * columns, steps, torch.device("cpu"))


def random_model(shape: Shape) -> RandomModel:
    """In float32 on the CPU, from seed 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformer = FluxTransformer2DModel(
            in_channels=CHANNELS,
            num_layers=shape.num_double,
            num_single_layers=shape.num_single,
            attention_head_dim=HEAD,
            num_attention_heads=shape.heads,
            joint_attention_dim=TEXT_WIDTH,
            pooled_projection_dim=POOLED,
            guidance_embeds=True,
            axes_dims_rope=(16, 24, 24),
        )
    return RandomModel(flux_model(transformer.eval()), shape)
