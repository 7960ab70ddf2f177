"""Denoising time under a method over the uncached one's: interleaved, at batch 1."""

import statistics
import time
from dataclasses import replace

from h2cache.arena.shots import Shot, denoise
from h2cache.arena.studio import Studio

PAIRS = 3
"""By default; one tells nothing where other programs run."""


def seconds_ratio(studio: Studio, shot: Shot, pairs: int) -> float:
    """The median of ``pairs`` pairs, 1 or more."""
    off = replace(shot, method=None)
    return statistics.median(seconds(studio, shot) / seconds(studio, off) for _ in range(pairs))


def seconds(studio: Studio, shot: Shot) -> float:
    """Of one image's denoising; reading a number makes a device finish."""
    started = time.perf_counter()
    (made,) = denoise(studio, [shot])
    made.latents.sum().item()
    return time.perf_counter() - started
