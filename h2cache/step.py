"""One denoising step of a batch under H2-Cache, a decision for each sample.

Source: arXiv 2510.27171 and, where the two differ, the rule of its code (repository Bluear7878/H2-Cache).
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
    """Embed, structure, detail, head: the next step of each sample; row i of the inputs belongs to ``caches[i]``.

    The samples may have their own settings, step counts, progress and guidance. At most one host-device
    synchronisation a stage. ``tau1 = tau2 = 0`` is bit-equal to the model itself on the same batch. Raises
    H2CacheError where states and inputs do not belong together.
    """
    _check(inputs, caches)
    streams, conditioning = model.embed(inputs)
    structure = run_stage(
        model.structure,
        streams,
        conditioning,
        [cache.structure for cache in caches],
        [structure_rule(cache) for cache in caches],
        marks=[_unread(cache) for cache in caches],
    )
    detail = run_stage(
        model.detail,
        structure.streams,
        conditioning,
        [cache.detail for cache in caches],
        [detail_rule(cache, verdict) for cache, verdict in zip(caches, structure.verdicts, strict=True)],
        marks=[None for _ in caches],
    )
    velocity = model.head(detail.streams, conditioning)
    verdicts = zip(caches, structure.verdicts, detail.verdicts, strict=True)
    records = tuple(_record(model, *row) for row in verdicts)
    rows = zip(caches, structure.caches, detail.caches, records, strict=True)
    return StepResult(velocity, tuple(_advance(*row) for row in rows), records)


def _check(inputs: StepInputs, caches: Sequence[SampleCache]) -> None:
    if len(caches) != len(inputs.latents) or not caches:
        raise H2CacheError(f"{len(caches)} states for a batch of {len(inputs.latents)}, allowed is one a row")
    given = inputs.prompt_embeds.shape[1], inputs.latents.shape[1]
    for row, cache in enumerate(caches):
        if cache.step_index >= cache.num_steps:
            raise H2CacheError(f"row {row} has taken {cache.step_index} steps, allowed are {cache.num_steps}")
        memory = cache.structure.memory
        if memory is not None and given != (known := (len(memory.txt), len(memory.img))):
            raise H2CacheError(f"row {row} has {given} text and image tokens, allowed is its state's {known}")


def _unread(cache: SampleCache) -> Tensor | None:
    """Detail's scale, NaN after a residual that was not finite: a forced hit would not test it."""
    return None if cache.detail.memory is None else cache.detail.memory.scale


def _record(model: FluxModel, cache: SampleCache, structure: Verdict, detail: Verdict) -> StepRecord:
    outcome = Outcome.FULL
    if detail.hit:
        outcome = Outcome.STRUCTURE_HIT if structure.hit else Outcome.DETAIL_HIT
    num_double, num_single = model.structure.num_run(structure.hit), model.detail.num_run(detail.hit)
    all_blocks = _flops(model, model.structure.num_run(is_hit=False), model.detail.num_run(is_hit=False))
    return StepRecord(
        outcome,
        structure.distance,
        detail.distance,
        num_double + num_single,
        _flops(model, num_double, num_single) / all_blocks,
        cache.nonfinite or not (structure.finite and detail.finite),
    )


def _flops(model: FluxModel, num_double: int, num_single: int) -> float:
    """Of so many blocks of each stage, in units of the stages' ``block_cost``."""
    return num_double * model.structure.block_cost + num_single * model.detail.block_cost


def _advance(cache: SampleCache, structure: StageCache, detail: StageCache, record: StepRecord) -> SampleCache:
    """The state after the step."""
    return replace(
        cache,
        step_index=cache.step_index + 1,
        structure=structure,
        detail=detail,
        statistics=cache.statistics.add(record),
    )
