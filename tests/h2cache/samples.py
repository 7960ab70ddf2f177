"""Tiny random transformers and samples for the cache's tests."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from torch import Tensor

from h2cache import CacheSettings, SampleCache, StepInputs, StepRecord, denoise_step, flux_model
from tests.h2cache.oracle import Oracle

CHANNELS, TEXT_WIDTH, POOLED_WIDTH = 8, 12, 10


def tiny_transformer(
    seed: int = 0, *, double: int = 2, single: int = 3, guidance: bool = True, heads: int = 2
) -> FluxTransformer2DModel:
    """Random weights, the blocks' modulation scaled up so that steps differ by useful amounts."""
    torch.manual_seed(seed)
    model = FluxTransformer2DModel(
        in_channels=CHANNELS,
        num_layers=double,
        num_single_layers=single,
        attention_head_dim=8,
        num_attention_heads=heads,
        joint_attention_dim=TEXT_WIDTH,
        pooled_projection_dim=POOLED_WIDTH,
        guidance_embeds=guidance,
        axes_dims_rope=(2, 2, 4),
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name and "linear" in name:
                weight.mul_(3.0)
    model.eval()
    return model  # type: ignore[no-any-return]  # eval() hides the class


@dataclass(frozen=True)
class Request:
    """One sample to be denoised with plain Euler steps."""

    settings: CacheSettings | None
    num_steps: int
    seed: int
    guidance: float | None = 3.5

    def latents(self, tokens: int, dtype: torch.dtype) -> Tensor:
        return self._draw(1, tokens, CHANNELS, dtype)

    def text(self, tokens: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        return self._draw(2, tokens, TEXT_WIDTH, dtype), self._draw(3, POOLED_WIDTH, 1, dtype)[:, 0]

    def _draw(self, salt: int, rows: int, width: int, dtype: torch.dtype) -> Tensor:
        generator = torch.Generator().manual_seed(1000 * self.seed + salt)
        return torch.randn(rows, width, generator=generator).to(dtype)

    def time(self, step: int) -> float:
        return 1 - step / self.num_steps


@dataclass(frozen=True)
class Shape:
    """Image tokens as rows x columns, and text tokens."""

    rows: int
    columns: int
    text: int

    def ids(self) -> tuple[Tensor, Tensor]:
        grid = torch.zeros(self.rows, self.columns, 3)
        grid[..., 1] = torch.arange(self.rows)[:, None]
        grid[..., 2] = torch.arange(self.columns)
        return grid.view(-1, 3), torch.zeros(self.text, 3)


@dataclass
class Running:
    """A request on its way through the library."""

    request: Request
    latents: Tensor
    cache: SampleCache
    records: list[StepRecord]

    @property
    def step(self) -> int:
        return len(self.records)

    @property
    def is_done(self) -> bool:
        return self.step == self.request.num_steps


def start(request: Request, shape: Shape, dtype: torch.dtype) -> Running:
    cache = SampleCache.start(request.settings, request.num_steps)
    return Running(request, request.latents(shape.rows * shape.columns, dtype), cache, [])


def inputs_of(batch: Sequence[Running], shape: Shape) -> StepInputs:
    dtype = batch[0].latents.dtype
    texts = [running.request.text(shape.text, dtype) for running in batch]
    img_ids, txt_ids = shape.ids()
    guidances = [running.request.guidance for running in batch]
    return StepInputs(
        latents=torch.stack([running.latents for running in batch]),
        prompt_embeds=torch.stack([tokens for tokens, _ in texts]),
        pooled=torch.stack([vector for _, vector in texts]),
        timestep=torch.tensor([running.request.time(running.step) for running in batch], dtype=dtype),
        guidance=None if None in guidances else torch.tensor(guidances, dtype=dtype),
        img_ids=img_ids,
        txt_ids=txt_ids,
    )


def advance(transformer: FluxTransformer2DModel, batch: Sequence[Running], shape: Shape) -> None:
    """One step of all of them in one batch."""
    result = denoise_step(flux_model(transformer), inputs_of(batch, shape), [running.cache for running in batch])
    for i, running in enumerate(batch):
        running.latents = running.latents - result.velocity[i] / running.request.num_steps
        running.cache = result.caches[i]
        running.records.append(result.records[i])


def run_alone(transformer: FluxTransformer2DModel, request: Request, shape: Shape, dtype: torch.dtype) -> Running:
    running = start(request, shape, dtype)
    while not running.is_done:
        advance(transformer, [running], shape)
    return running


@torch.no_grad()
def run_oracle(
    transformer: FluxTransformer2DModel, request: Request, shape: Shape, dtype: torch.dtype
) -> tuple[Tensor, list[tuple[str, float | None, float | None]]]:
    """Final latents, and (outcome, d1, d2) of each step."""
    settings = request.settings or CacheSettings(0.0, 0.0)
    oracle = Oracle(  # type: ignore[no-untyped-call]  # plain formulas
        transformer,
        settings.tau1,
        settings.tau2,
        request.num_steps,
        settings.warmup,
        settings.last_full,
        settings.max_consecutive,
    )
    running, steps = start(request, shape, dtype), []
    for step in range(request.num_steps):
        given = inputs_of([running], shape)
        given = replace(given, timestep=torch.tensor([request.time(step)], dtype=dtype))
        velocity, *said = oracle(*_fields(given))
        running.latents = running.latents - velocity[0] / request.num_steps
        steps.append(tuple(said))
    return running.latents, steps


def _fields(inputs: StepInputs) -> list[Any]:
    return [
        inputs.latents,
        inputs.prompt_embeds,
        inputs.pooled,
        inputs.timestep,
        inputs.guidance,
        inputs.img_ids,
        inputs.txt_ids,
    ]
