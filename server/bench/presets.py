"""What each preset of a model gives: speed and fidelity against the uncached run of the same requests."""

import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from server.api.cache_choice import OFF, PAPER, choice_of
from server.bench.engine_run import running_engine
from server.bench.models import load_benchmarked
from server.bench.requests import mixed_orders
from server.bench.two_cpus import two_cpus
from server.engine.interface import SampleFinished, SampleOrder
from server.engine.loader import LoadedModel
from server.fidelity import psnr
from server.profile import ModelProfile
from server.request import CacheChoice

IMAGES, PASSES = 24, 3
HIGHEST_PSNR_DB = 60.0
"""What identical images count as in a mean."""


@dataclass(frozen=True)
class PresetFigures:
    """Means over the images; ``speedup`` is the median over passes of the uncached run's time over this one's."""

    choice: CacheChoice
    flops_ratio: float
    speedup: float
    psnr_db: float


@dataclass(frozen=True)
class Pass:
    """All images with one preset: wall seconds, and what came out by the order's id."""

    seconds: float
    ends: dict[str, SampleFinished]


def measure_presets(
    profile: ModelProfile, device: str, images: int = IMAGES, passes: int = PASSES
) -> list[PresetFigures]:
    """The profile's presets and ``paper``, at its default steps and guidance."""
    choices = [OFF, PAPER, *choices_of(profile)]
    with two_cpus():
        model = load_benchmarked(profile, device)
        orders = [
            replace(order, steps=profile.default_steps, guidance=profile.default_guidance)
            for order in mixed_orders(profile, images, seed=2)
        ]
        run_pass(model, profile, orders[:8], OFF)
        turns = [[run_pass(model, profile, orders, choice) for choice in choices] for _ in range(passes)]
    return [figures(choice, i, turns) for i, choice in enumerate(choices) if choice is not OFF]


def choices_of(profile: ModelProfile) -> list[CacheChoice]:
    """The profile's presets as rules."""
    return [choice_of(name, preset) for name, preset in profile.presets.items()]


def run_pass(
    model: LoadedModel, profile: ModelProfile, orders: Sequence[SampleOrder], choice: CacheChoice
) -> Pass:
    """All orders at once through an engine of its own."""
    with running_engine(model, profile) as (engine, next_end):
        started_s = time.perf_counter()
        for order in orders:
            engine.submit(replace(order, cache=choice))
        ends = [next_end() for _ in orders]
        return Pass(time.perf_counter() - started_s, {end.sample_id: end for end in ends})


def figures(choice: CacheChoice, place: int, passes: Sequence[Sequence[Pass]]) -> PresetFigures:
    """The preset at ``place``; the uncached run is the first of each turn."""
    off, mine = passes[0][0], passes[0][place]
    return PresetFigures(
        choice,
        flops_ratio=statistics.mean(end.counts.flops_ratio for end in mine.ends.values()),
        speedup=statistics.median(turn[0].seconds / turn[place].seconds for turn in passes),
        psnr_db=mean_psnr((off.ends[key].image, mine.ends[key].image) for key in off.ends),
    )


def mean_psnr(pairs: Iterable[tuple[bytes, bytes]]) -> float:
    """Of pairs of image files, in dB; identical ones count as 60."""
    return statistics.mean(min(psnr(*pair), HIGHEST_PSNR_DB) for pair in pairs)
