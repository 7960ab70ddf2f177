"""Uncached runs, with what the model saw and gave in each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from h2cache.arena.shots import inputs_at
from h2cache.arena.studio import Studio
from h2cache.family import FluxModel, StepInputs


@dataclass(frozen=True)
class Forward:
    """One plain forward of one sample.

    ``velocity`` (T, C), ``residual`` (T, D): what all blocks add to the image stream, ``modulated`` (T, D): the
    first block's input.
    """

    velocity: Tensor
    residual: Tensor
    modulated: Tensor


@dataclass(frozen=True)
class Trajectory:
    """One sample's uncached run of N steps, at noise levels ``sigmas`` (N + 1 of them).

    ``latents`` has (T, C) before each step. How much the velocity changes with the latents alone, over how much
    those change, and with time alone, over time: ``to_latents`` and ``to_time``.
    """

    sigmas: Sequence[float]
    latents: Sequence[Tensor]
    forwards: Sequence[Forward]
    to_latents: Sequence[float]
    to_time: Sequence[float]


@torch.inference_mode()
def walk(studio: Studio, prompt: str, seed: int, steps: int) -> Trajectory:
    """Run one image without a cache; three forwards a step."""
    tokens, pooled = (part[None] for part in studio.embed(prompt))
    start, ids = studio.noise(seed)
    x, sigmas = start[None], studio.sigmas(steps)
    latents, forwards, to_latents, to_time = [], [], [], []

    def forward(here: Tensor, sigma: float) -> Forward:
        return plain_forward(studio.model, inputs_at(studio, here, tokens, pooled, ids, sigma))

    for sigma, following in pairwise(sigmas):
        now = forward(x, sigma)
        onward = (x.float() + (following - sigma) * now.velocity.float()).to(x.dtype)
        moved = forward(onward, sigma).velocity
        later = forward(x, following).velocity
        to_latents.append(size(moved - now.velocity) / size(onward - x))
        to_time.append(size(later - now.velocity) / (sigma - following))
        latents.append(x[0])
        forwards.append(now)
        x = onward
    return Trajectory(sigmas, latents, forwards, to_latents, to_time)


def plain_forward(model: FluxModel, inputs: StepInputs) -> Forward:
    """All blocks of one sample."""
    first, conditioning = model.embed(inputs)
    streams = first
    for block in model.blocks:
        streams = block(streams, conditioning)
    return Forward(
        model.head(streams, conditioning)[0],
        (streams.img - first.img)[0],
        model.modulated_input(first, conditioning)[0],
    )


def size(tensor: Tensor) -> float:
    """Root mean square."""
    return float(tensor.float().square().mean().sqrt())


def change(new: Tensor, old: Tensor) -> float:
    """mean|new - old| / mean|old|."""
    return float((new.float() - old.float()).abs().mean() / old.float().abs().mean())
