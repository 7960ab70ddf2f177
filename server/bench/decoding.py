"""What the memory format of the VAE's weights is worth: a decode as we load it over one as diffusers does."""

import copy
import statistics
import time
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import torch
from PIL import ImageChops

from server.bench.models import load_benchmarked
from server.engine.image import decode
from server.profile import ModelProfile

PAIRS = 21


@dataclass(frozen=True)
class Decoding:
    """``ratio`` is the median over interleaved pairs; ``largest_difference`` is of a colour from 0 to 255."""

    ratio: float
    ms: float
    largest_difference: int


def measure_decoding(profile: ModelProfile, device: str, pairs: int = PAIRS) -> Decoding:
    """On noise of the profile's default size: what a decoder costs does not depend on what it shows."""
    ours = load_benchmarked(profile, device)
    contiguous = copy.deepcopy(ours.pipeline.vae).to(memory_format=torch.contiguous_format)
    theirs = replace(ours, pipeline=SimpleNamespace(vae=contiguous))
    width, height = profile.default_width, profile.default_height
    tokens = (width // 16) * (height // 16)
    noise = torch.randn(tokens, ours.flux.channels, generator=torch.Generator().manual_seed(0))
    latents = noise.to(ours.device, ours.dtype)
    mine, other = (decode(model, latents, width, height) for model in (ours, theirs))
    difference = np.asarray(ImageChops.difference(mine, other)).max()
    seconds: list[tuple[float, float]] = []
    for _ in range(pairs):
        started = time.perf_counter()
        decode(ours, latents, width, height)  # ends with the pixels on the host: there is nothing to wait for
        between = time.perf_counter()
        decode(theirs, latents, width, height)
        seconds.append((between - started, time.perf_counter() - between))
    return Decoding(
        statistics.median(mine / other for mine, other in seconds),
        1000 * statistics.median(mine for mine, _ in seconds),
        int(difference),
    )
