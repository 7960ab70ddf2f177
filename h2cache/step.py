"""One denoising step of a batch, each sample under a method of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from h2cache.ahead import decide_ahead
from h2cache.errors import H2CacheError
from h2cache.family import Conditioning, FluxModel, StepInputs
from h2cache.layout import Span, Spans
from h2cache.sample_step import SampleStep, Snapshot
from h2cache.state import SampleCache
from h2cache.stats import Outcome, StepRecord
from h2cache.summary import View
from h2cache.sweep import Sweep


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
    """Embed, blocks, head: the next step of each sample; row i of the inputs belongs to ``caches[i]``.

    The samples may have methods, step counts, progress and guidance of their own. The host waits for the device at
    most once where probes end: twice in a step of H2-Cache, never for a fixed schedule. A method that reuses
    nothing is bit-equal to the model itself on the same batch. Raises H2CacheError where states and inputs do not
    belong together.
    """
    _check(inputs, caches)
    sigmas, levels = inputs.timestep.float().clone(), inputs.sigmas or [None] * len(caches)
    steps = [
        SampleStep(row, cache, spans_of(model, cache), inputs.latents[row], sigmas[row], levels[row], inputs.grid)
        for row, cache in enumerate(caches)
    ]
    decide_ahead(steps)
    if all(step.skips_head for step in steps):
        velocity = torch.stack([step.filled_velocity() for step in steps])
    else:
        velocity = _computed(model, inputs, steps)
    records = tuple(record(model, step) for step in steps)
    return StepResult(velocity, tuple(map(_advanced, steps, records)), records)


def spans_of(model: FluxModel, cache: SampleCache) -> Spans:
    """The spans of the sample's method on this model; without a method all blocks are one."""
    num_blocks = len(model.blocks)
    if cache.method is None:
        return (Span(0, num_blocks, num_blocks),)
    return cache.method.layout.spans(model.num_double, num_blocks - model.num_double)


def _computed(model: FluxModel, inputs: StepInputs, steps: Sequence[SampleStep]) -> Tensor:
    """The velocity where at least one sample runs blocks."""
    streams, conditioning = model.embed(inputs)
    sweep = Sweep(model, streams, conditioning, View(inputs.timestep, inputs.grid, inputs.latents), steps)
    sweep.run()
    return _velocity(model, conditioning, sweep.now, steps)


def _velocity(model: FluxModel, conditioning: Conditioning, end: Snapshot, steps: Sequence[SampleStep]) -> Tensor:
    """The head for all samples but those whose velocity is itself put in."""
    rows = [step.row for step in steps if not step.skips_head]
    velocities: dict[int, Tensor] = {}
    if rows:
        headed = model.head(conditioning.without_references(end.of(rows)), conditioning.rows(rows))
        if len(rows) == len(steps) and not any(step.reuses_output for step in steps):
            return headed
        velocities = dict(zip(rows, headed, strict=True))
    for step in steps:
        if step.skips_head:
            velocities[step.row] = step.filled_velocity()
        elif step.reuses_output and step.verdicts[0].stores:
            step.remember_output(velocities[step.row])
    return torch.stack([velocities[step.row] for step in steps])


def _check(inputs: StepInputs, caches: Sequence[SampleCache]) -> None:
    if len(caches) != len(inputs.latents) or not caches:
        raise H2CacheError(f"{len(caches)} states for a batch of {len(inputs.latents)}, allowed is one a row")
    if inputs.sigmas is not None and len(inputs.sigmas) != len(caches):
        raise H2CacheError(f"{len(inputs.sigmas)} sigmas for a batch of {len(caches)}, allowed is one a row")
    for row, cache in enumerate(caches):
        if cache.step_index >= cache.num_steps:
            raise H2CacheError(f"row {row} has taken {cache.step_index} steps, allowed are {cache.num_steps}")
        anchors = [anchor for stage in cache.stages for anchor in stage.anchors]
        given = inputs.latents.shape[1] + (0 if _reuses_output(cache) else inputs.num_references)
        if anchors and len(anchors[0].img) != given:
            known = len(anchors[0].img)
            raise H2CacheError(f"row {row} has {given} image tokens, allowed are its state's {known}")
        texts = [len(anchor.txt) for anchor in anchors if anchor.txt is not None]
        if texts and texts[0] != inputs.prompt_embeds.shape[1]:
            raise H2CacheError(
                f"row {row} has {inputs.prompt_embeds.shape[1]} text tokens, allowed are its state's {texts[0]}"
            )


def _reuses_output(cache: SampleCache) -> bool:
    return cache.method is not None and cache.method.stages[0].reused.is_velocity


def record(model: FluxModel, step: SampleStep) -> StepRecord:
    """What is told of one sample's step."""
    reused = tuple(verdict.reused for verdict in step.verdicts)
    padded = (*reused, *[False] * (len(step.spans) - len(reused)))
    run = [
        block
        for span, is_reused in zip(step.spans, padded, strict=True)
        for block in range(span.start, span.probe_end if is_reused else span.end)
    ]
    told = [verdict.distance for verdict in step.verdicts]
    method = step.cache.method
    return StepRecord(
        outcome=_outcome(reused),
        d1=told[0] if told else None,
        d2=told[1] if len(told) > 1 else None,
        blocks_run=len(run),
        flops_share=sum(model.costs[block] for block in run) / sum(model.costs),
        flux1_share=1.0 if method is None else method.flux1_share(reused),
        nonfinite=step.cache.nonfinite or not all(verdict.finite for verdict in step.verdicts),
    )


def _outcome(reused: Sequence[bool]) -> Outcome:
    if not any(reused):
        return Outcome.FULL
    return Outcome.STRUCTURE_HIT if reused[0] else Outcome.DETAIL_HIT


def _advanced(step: SampleStep, told: StepRecord) -> SampleCache:
    """The sample's state after the step."""
    return replace(
        step.cache,
        step_index=step.cache.step_index + 1,
        stages=step.stages_after(),
        statistics=step.cache.statistics.add(told),
    )
