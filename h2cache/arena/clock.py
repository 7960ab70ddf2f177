"""Denoising time under a method over the uncached one's: interleaved, at batch 1."""

import statistics
import time
from dataclasses import replace

from h2cache.arena.shots import Shot, denoise
from h2cache.arena.studio import Studio

PAIRS = 3


def seconds_ratio(studio: Studio, shot: Shot) -> float:
    """The median of three pairs."""
    off = replace(shot, method=None)
    return statistics.median(seconds(studio, shot) / seconds(studio, off) for _ in range(PAIRS))


def seconds(studio: Studio, shot: Shot) -> float:
    """Of one image's denoising; reading a number makes a device finish."""
    started = time.perf_counter()
    (made,) = denoise(studio, [shot])
    made.latents.sum().item()
    return time.perf_counter() - started
