"""Images to be made, and their making: denoised in batches, each under its own method."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from h2cache.arena.source import Source
from h2cache.family import StepInputs
from h2cache.method import Method
from h2cache.state import SampleCache
from h2cache.stats import Outcome, SampleStatistics
from h2cache.step import denoise_step

BATCH = 8


@dataclass(frozen=True)
class Shot:
    """One image: which prompt, which seed, how many steps, and how it is cached (None: not at all)."""

    prompt_index: int
    prompt: str
    seed: int
    steps: int
    method: Method | None


@dataclass(frozen=True)
class Developed:
    """What became of a shot: latents (T, C) at the end, the statistics, and what each step was."""

    shot: Shot
    latents: Tensor
    statistics: SampleStatistics
    outcomes: tuple[Outcome, ...]


def develop(
    source: Source, shots: Sequence[Shot], told: Callable[[int], None] = lambda done: None
) -> list[Developed]:
    """Make the shots, of one number of steps, eight at a time; ``told`` hears how many more are done."""
    made: list[Developed] = []
    for first in range(0, len(shots), BATCH):
        batch = shots[first : first + BATCH]
        made += denoise(source, batch)
        told(len(batch))
    return made


@torch.inference_mode()
def denoise(source: Source, shots: Sequence[Shot]) -> list[Developed]:
    """All steps of one batch, as FluxPipeline takes them."""
    steps = shots[0].steps
    starts = [source.noise(shot.seed) for shot in shots]
    latents, ids = torch.stack([start for start, _ in starts]), starts[0][1]
    tokens = torch.stack([source.embed(shot.prompt)[0] for shot in shots])
    pooled = torch.stack([source.embed(shot.prompt)[1] for shot in shots])
    caches: Sequence[SampleCache] = [SampleCache.start(shot.method, steps) for shot in shots]
    told: list[tuple[Outcome, ...]] = []
    for sigma, following in pairwise(source.sigmas(steps)):
        result = denoise_step(source.model, inputs_at(source, latents, tokens, pooled, ids, sigma), caches)
        caches = result.caches
        told.append(tuple(record.outcome for record in result.records))
        latents = (latents.float() + (following - sigma) * result.velocity.float()).to(latents.dtype)
    rows = zip(shots, latents, caches, zip(*told, strict=True), strict=True)
    return [Developed(shot, row, cache.statistics, outcomes) for shot, row, cache, outcomes in rows]


def inputs_at(
    source: Source, latents: Tensor, tokens: Tensor, pooled: Tensor, ids: Tensor, sigma: float
) -> StepInputs:
    """Latents (B, T, C) of one noise level with their text, as FluxPipeline hands them to the transformer."""
    size = len(latents)
    guidance = latents.new_full((size,), source.guidance, dtype=torch.float32)
    return StepInputs(
        latents,
        tokens,
        pooled,
        latents.new_full((size,), sigma * 1000) / 1000,
        guidance if source.takes_guidance else None,
        ids,
        ids.new_zeros(tokens.shape[1], 3),
        source.grid,
        sigmas=(sigma,) * size,
    )
