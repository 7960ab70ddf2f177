"""What the cache itself costs: a cached run over a replay of exactly its block calls.

The replay calls the same blocks with the same row counts, and the embedders and the output head, but has no gate,
no gather, no state and no reuse; a step in which no block is called is not in it. The ratio is of process CPU time
on one thread, over interleaved pairs, so that a noisy machine moves both sides alike.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from torch import nn

from h2cache import Method, SampleCache, StepInputs, denoise_step, flux_model, method, paper

NUM_STEPS = 10
IMAGE_SIDE_TOKENS = 16
TEXT_TOKENS = 32
# Shares of the distances seen in an uncached run under which the sample's thresholds are put: eight pairs from
# careful to greedy, so that full steps, detail hits and structure hits all occur.
QUANTILES = ((0.2, 0.5), (0.3, 0.6), (0.4, 0.4), (0.5, 0.7), (0.6, 0.3), (0.7, 0.8), (0.8, 0.5), (0.9, 0.9))

Name = Literal["paper", "default"]
METHODS: tuple[Name, ...] = ("paper", "default")
# The default method goes by no such distance: its thresholds are these times the pair that it has by itself.
FACTORS = (0.2, 0.35, 0.5, 1.0, 0.7, 1.3, 1.6, 2.0)


@dataclass(frozen=True)
class BlockCall:
    """One call of a block in the cached run: which block, on how many rows."""

    block: nn.Module
    rows: int


@dataclass(frozen=True)
class Overhead:
    """Medians over the pairs; ``ideal_wall_ratio`` is against share of block FLOPs times the uncached time."""

    batch_size: int
    cpu_ratio: float
    wall_ratio: float
    ideal_wall_ratio: float
    flops_ratio: float


def random_transformer() -> FluxTransformer2DModel:
    """FLUX.1's 19 + 38 blocks at width 384, random, with residuals large enough to tell steps apart."""
    torch.manual_seed(0)
    transformer = FluxTransformer2DModel(
        in_channels=64,
        num_layers=19,
        num_single_layers=38,
        attention_head_dim=64,
        num_attention_heads=6,
        joint_attention_dim=256,
        pooled_projection_dim=128,
        guidance_embeds=True,
        axes_dims_rope=(16, 24, 24),
    )
    transformer.eval()
    return transformer


def random_inputs(batch_size: int) -> StepInputs:
    """Inputs of a batch at its first step, from a fixed seed."""
    generator = torch.Generator().manual_seed(1)
    side = IMAGE_SIDE_TOKENS
    img_ids = torch.zeros(side * side, 3)
    img_ids[:, 1] = torch.arange(side * side) // side
    img_ids[:, 2] = torch.arange(side * side) % side
    return StepInputs(
        latents=torch.randn(batch_size, side * side, 64, generator=generator),
        prompt_embeds=torch.randn(batch_size, TEXT_TOKENS, 256, generator=generator),
        pooled=torch.randn(batch_size, 128, generator=generator),
        timestep=torch.ones(batch_size),
        guidance=torch.full((batch_size,), 3.5),
        img_ids=img_ids,
        txt_ids=torch.zeros(TEXT_TOKENS, 3),
    )


def cached_run(
    transformer: FluxTransformer2DModel, inputs: StepInputs, settings: Sequence[Method | None]
) -> tuple[SampleCache, ...]:
    """All steps of one batch under the cache."""
    model = flux_model(transformer)
    caches = tuple(SampleCache.start(rule, NUM_STEPS) for rule in settings)
    latents = inputs.latents
    for step in range(NUM_STEPS):
        now = replace(inputs, latents=latents, timestep=inputs.timestep * (1 - step / NUM_STEPS))
        result = denoise_step(model, now, caches)
        caches, latents = result.caches, latents - result.velocity / NUM_STEPS
    return caches


def recorded_calls(
    transformer: FluxTransformer2DModel, inputs: StepInputs, settings: Sequence[Method | None]
) -> list[list[BlockCall]]:
    """The block calls of a cached run, a list a step."""
    steps: list[list[BlockCall]] = []
    first = transformer.transformer_blocks[0]

    def note(block: nn.Module, args: tuple[object, ...], kwargs: dict[str, torch.Tensor]) -> None:
        if block is first:
            steps.append([])
        steps[-1].append(BlockCall(block, kwargs["hidden_states"].shape[0]))

    blocks = [*transformer.transformer_blocks, *transformer.single_transformer_blocks]
    hooks = [block.register_forward_pre_hook(note, with_kwargs=True) for block in blocks]
    cached_run(transformer, inputs, settings)
    for hook in hooks:
        hook.remove()
    return steps


def replay(transformer: FluxTransformer2DModel, inputs: StepInputs, steps: list[list[BlockCall]]) -> None:
    """The same block calls with the same row counts, and nothing else but embedders and head."""
    assert inputs.guidance is not None
    for calls in steps:
        img = transformer.x_embedder(inputs.latents)
        temb = transformer.time_text_embed(inputs.timestep * 1000, inputs.guidance * 1000, inputs.pooled)
        txt = transformer.context_embedder(inputs.prompt_embeds)
        rotary = transformer.pos_embed(torch.cat([inputs.txt_ids, inputs.img_ids]))
        for call in calls:
            rows = slice(0, call.rows)
            call.block(
                hidden_states=img[rows],
                encoder_hidden_states=txt[rows],
                temb=temb[rows],
                image_rotary_emb=rotary,
            )
        transformer.proj_out(transformer.norm_out(img, temb))


def threshold_pairs(transformer: FluxTransformer2DModel, batch_size: int) -> list[Method | None]:
    """Thresholds at quantiles of the distances of a run that computes everything."""
    model = flux_model(transformer)
    inputs = random_inputs(1)
    caches: Sequence[SampleCache] = (SampleCache.start(paper(0.0, 0.0), NUM_STEPS),)
    latents, first, second = inputs.latents, [], []
    for step in range(NUM_STEPS):
        now = replace(inputs, latents=latents, timestep=inputs.timestep * (1 - step / NUM_STEPS))
        result = denoise_step(model, now, caches)
        caches, latents = result.caches, latents - result.velocity / NUM_STEPS
        first += [d for d in (result.records[0].d1,) if d is not None]
        second += [d for d in (result.records[0].d2,) if d is not None]
    d1, d2 = torch.tensor(first), torch.tensor(second)
    pairs = QUANTILES if batch_size > 1 else QUANTILES[3:4]
    return [paper(float(d1.quantile(a)), float(d2.quantile(b))) for a, b in pairs[:batch_size]]


def default_pairs(batch_size: int) -> list[Method | None]:
    """The default method from careful to greedy; alone as it is without thresholds."""
    factors = FACTORS if batch_size > 1 else (1.0,)
    return [method("default", {"tau1": 0.15 * each, "tau2": 0.22 * each}) for each in factors[:batch_size]]


def timed(clock: Callable[[], float], work: Callable[[], object]) -> float:
    """Seconds of ``work`` on ``clock``."""
    start = clock()
    work()
    return clock() - start


def ratios(
    clock: Callable[[], float], ours: Callable[[], object], theirs: Callable[[], object], pairs: int
) -> float:
    """Median over interleaved pairs of time(ours) / time(theirs), after one warm-up of each."""
    ours(), theirs()
    return statistics.median(timed(clock, ours) / timed(clock, theirs) for _ in range(pairs))


@torch.inference_mode()
def measure_overhead(batch_size: int, name: Name, pairs: int = 9) -> Overhead:
    """The overhead of a method at one batch size; batch 8 has eight different threshold pairs."""
    transformer = random_transformer()
    inputs = random_inputs(batch_size)
    settings = threshold_pairs(transformer, batch_size) if name == "paper" else default_pairs(batch_size)
    steps = recorded_calls(transformer, inputs, settings)
    caches = cached_run(transformer, inputs, settings)
    share = statistics.mean(cache.statistics.flops_ratio for cache in caches)

    def cached() -> None:
        cached_run(transformer, inputs, settings)

    def uncached() -> None:
        cached_run(transformer, inputs, [None] * batch_size)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cpu = ratios(time.process_time, cached, lambda: replay(transformer, inputs, steps), pairs)
    torch.set_num_threads(2)
    wall = ratios(time.perf_counter, cached, lambda: replay(transformer, inputs, steps), pairs)
    ideal = ratios(time.perf_counter, cached, uncached, max(1, pairs // 3)) / share
    torch.set_num_threads(threads)
    return Overhead(batch_size, cpu, wall, ideal, share)
