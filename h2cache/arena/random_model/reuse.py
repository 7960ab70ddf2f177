"""What a reuse would have cost, and what each distance says of it, for pairs of steps of one uncached run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from h2cache.arena.fidelity import relative_l1
from h2cache.arena.shots import inputs_at
from h2cache.arena.source import Source
from h2cache.family import Conditioning, StepInputs, Streams
from h2cache.summaries.grid_average import GridAverage
from h2cache.summaries.low_pass import Disc, Wiener
from h2cache.summaries.whole import Whole
from h2cache.summaries.windows import Windows
from h2cache.summary import Summary, View

DISTANCES: Mapping[str, Summary] = {
    "whole": Whole(),
    "windows": Windows(2048),
    "average": GridAverage(2),
    "disc": Disc(),
    "wiener": Wiener(),
}
"""Relative L1 of the first block's image residual: as it is; the paper's windows; averages of 2 x 2 tokens; a
fixed low-pass; SeaCache's, which goes by the noise level."""
LONGEST = 4
"""Pairs of steps up to so far from each other."""


@dataclass(frozen=True)
class Pair:
    """What is computed at step ``before`` put in at step ``after``: the velocity's relative L1 error."""

    seed: int
    before: int
    after: int
    error: float
    distances: Mapping[str, float]


@dataclass(frozen=True)
class Step:
    """Image streams (1, T, D): what the first block added, what is behind it, what all other blocks added."""

    probe: Tensor
    behind: Tensor
    rest: Tensor
    streams: Streams
    conditioning: Conditioning
    velocity: Tensor
    view: View


@torch.inference_mode()
def pairs_of(source: Source, seed: int, steps: int, told: Callable[[], None] = lambda: None) -> list[Pair]:
    """All pairs of one run; ``told`` hears of each step."""
    text, pooled = (part[None] for part in source.embed(f"text {seed}"))
    start, ids = source.noise(seed)
    latents, run, found = start[None], list[Step](), list[Pair]()
    for after, (sigma, following) in enumerate(pairwise(source.sigmas(steps))):
        now = _computed(source, inputs_at(source, latents, text, pooled, ids, sigma))
        run.append(now)
        for before in range(max(0, after - LONGEST), after):
            known = run[before]
            error = relative_l1(_reused(source, known, now), now.velocity)
            found.append(Pair(seed, before, after, error, _distances(known, now)))
        latents = latents + (following - sigma) * now.velocity
        told()
    return found


def _computed(source: Source, inputs: StepInputs) -> Step:
    model = source.model
    first, conditioning = model.embed(inputs)
    probed = model.blocks[0](first, conditioning)
    streams = probed
    for block in model.blocks[1:]:
        streams = block(streams, conditioning)
    return Step(
        probed.img - first.img,
        probed.img,
        streams.img - probed.img,
        streams,
        conditioning,
        model.head(streams, conditioning),
        View(inputs.timestep, source.grid, inputs.latents),
    )


def _reused(source: Source, known: Step, now: Step) -> Tensor:
    """The velocity with the other blocks' residual of a step before."""
    streams = Streams(now.streams.txt, now.behind + known.rest)
    return source.model.head(streams, now.conditioning)


def _distances(known: Step, now: Step) -> dict[str, float]:
    return {
        name: relative_l1(summary(now.probe, now.view), summary(known.probe, known.view))
        for name, summary in DISTANCES.items()
    }
