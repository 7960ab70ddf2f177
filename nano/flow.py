"""The flow-matching task: noised latents and the velocity to be learnt, and the sampler that follows it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

BASE_TOKENS, MAX_TOKENS, BASE_SHIFT, MAX_SHIFT = 256, 4096, 0.5, 1.15
"""FLUX.1's resolution shift; saved in the scheduler's config."""

Velocity = Callable[[Tensor, Tensor], Tensor]
"""Latents B T 64 and sigma B to velocity B T 64."""


@dataclass(frozen=True)
class Noised:
    """A training batch: x = (1 - sigma) latents + sigma noise, velocity = noise - latents."""

    x: Tensor
    sigma: Tensor
    velocity: Tensor


def add_noise(latents: Tensor, generator: torch.Generator) -> Noised:
    """Noise each row at its own sigma: logit-normal, and for one row in ten uniform."""
    b = len(latents)
    logit = torch.sigmoid(0.4 + torch.randn(b, generator=generator))
    uniform = torch.rand(b, generator=generator)
    sigma = torch.where(torch.rand(b, generator=generator) < 0.1, uniform, logit)
    noise = torch.randn(latents.shape, generator=generator)
    mix = sigma[:, None, None]
    return Noised((1 - mix) * latents + mix * noise, sigma, noise - latents)


def sigmas(steps: int, tokens: int) -> Tensor:
    """FLUX.1's schedule with its resolution shift: steps + 1 values from 1 down to 0."""
    slope = (MAX_SHIFT - BASE_SHIFT) / (MAX_TOKENS - BASE_TOKENS)
    shift = math.exp(slope * tokens + BASE_SHIFT - slope * BASE_TOKENS)
    t = torch.linspace(1, 1 / steps, steps)
    return torch.cat([shift / (shift + (1 / t - 1)), torch.zeros(1)])


@torch.no_grad()
def sample(velocity: Velocity, noise: Tensor, steps: int) -> Tensor:
    """Euler steps from noise B T 64 to latents."""
    x = noise
    levels = sigmas(steps, noise.shape[1])
    for now, after in pairwise(levels):
        x = x + (after - now) * velocity(x, now.expand(len(x)))
    return x
