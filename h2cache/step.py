"""One denoising step of a batch under H2-Cache, a decision for each sample.

Source: arXiv 2510.27171 and repository Bluear7878/H2-Cache, written from the formulas.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from h2cache.errors import H2CacheError
from h2cache.family import FluxModel, StepInputs
from h2cache.gate import Verdict, detail_rule, structure_rule
from h2cache.stages import run_stage
from h2cache.state import SampleCache, StageCache
from h2cache.stats import Outcome, StepRecord


@dataclass(frozen=True, slots=True)
class StepResult:
    """The velocity (B, T, C), each sample's new state, and what was done for it.

    The states passed in are untouched, so a step that failed can be taken again from them.
    """

    velocity: Tensor
    caches: tuple[SampleCache, ...]
    records: tuple[StepRecord, ...]


@torch.no_grad()
def denoise_step(model: FluxModel, inputs: StepInputs, caches: Sequence[SampleCache]) -> StepResult:
    """Embed, structure, detail, head; row i of the inputs belongs to ``caches[i]``."""
    if len(caches) != len(inputs.latents) or not caches:
        raise H2CacheError(f"{len(caches)} states for a batch of {len(inputs.latents)}, allowed is one a row")
    streams, conditioning = model.embed(inputs)
    structure = run_stage(
        model.structure,
        streams,
        conditioning,
        [cache.structure for cache in caches],
        [structure_rule(cache) for cache in caches],
    )
    detail = run_stage(
        model.detail,
        structure.streams,
        conditioning,
        [cache.detail for cache in caches],
        [detail_rule(cache, verdict) for cache, verdict in zip(caches, structure.verdicts, strict=True)],
    )
    velocity = model.head(detail.streams, conditioning)
    records = [_record(model, *row) for row in zip(caches, structure.verdicts, detail.verdicts, strict=True)]
    rows = zip(caches, structure.caches, detail.caches, records, strict=True)
    return StepResult(velocity, tuple(_advance(*row) for row in rows), tuple(records))


def _record(model: FluxModel, cache: SampleCache, structure: Verdict, detail: Verdict) -> StepRecord:
    num_double, num_single = len(model.structure.blocks), len(model.detail.blocks)
    run = (1 if structure.hit else num_double) + (1 if detail.hit else num_single)
    outcome = Outcome.FULL
    if detail.hit:
        outcome = Outcome.STRUCTURE_HIT if structure.hit else Outcome.DETAIL_HIT
    return StepRecord(
        outcome,
        structure.distance,
        detail.distance,
        run,
        run / (num_double + num_single),
        cache.nonfinite or not (structure.finite and detail.finite),
    )


def _advance(cache: SampleCache, structure: StageCache, detail: StageCache, record: StepRecord) -> SampleCache:
    """The state after the step; a sample that went non-finite remembers nothing."""
    if record.nonfinite:
        structure = detail = StageCache()
    statistics = cache.statistics.add(record)
    return replace(
        cache, step_index=cache.step_index + 1, structure=structure, detail=detail, statistics=statistics
    )
