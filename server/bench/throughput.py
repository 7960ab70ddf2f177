"""Images a second against what a user would write today: FluxPipeline, first-block caching, one lock.

Both sides answer the same requests in a closed loop with 16 in flight, on the same two CPUs and two threads, VAE
and PNG included; the clock starts after a warm-up that has ended and stops with the last image. The baseline gets
for each request a threshold in proportion to the request's tau1; the factor is searched until the total share of
skipped blocks is the engine's within 2 %.
"""

import itertools
import math
import queue
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import torch
from diffusers import FirstBlockCacheConfig

from server.bench.engine_run import running_engine
from server.bench.models import check_has_baseline, load_benchmarked
from server.bench.requests import mixed_orders
from server.bench.two_cpus import two_cpus
from server.engine.interface import SampleFinished, SampleOrder
from server.engine.latents import num_tokens
from server.engine.loader import LoadedModel
from server.errors import ServerError
from server.profile import ModelProfile

WARM_UP, REQUESTS, IN_FLIGHT = 16, 96, 16
TOLERANCE = 0.02
MOST_TRIES = 12


class NotComparable(ServerError):
    """The two sides could not be brought to the same share of skipped blocks."""


@dataclass(frozen=True)
class Run:
    """One pass over the requests: wall seconds, and the share of blocks that were skipped."""

    seconds: float
    skipped: float


@dataclass(frozen=True)
class Throughput:
    """Medians over interleaved passes; ``batch_gain`` is t(batch 1) / t(batch 8, a row) of an uncached step."""

    images_per_s: float
    baseline_images_per_s: float
    ratio: float
    skipped: float
    baseline_skipped: float
    batch_gain: float


def run_engine(model: LoadedModel, profile: ModelProfile, orders: Sequence[SampleOrder]) -> Run:
    """The engine under a closed loop."""
    with running_engine(model, profile) as (engine, next_end):
        closed_loop(orders[:WARM_UP], engine.submit, next_end)
        return closed_loop(orders[WARM_UP:], engine.submit, next_end)


def closed_loop(
    orders: Sequence[SampleOrder],
    submit: Callable[[SampleOrder], None],
    next_end: Callable[[], SampleFinished],
) -> Run:
    """Keep 16 in flight; the clock runs from the first order to the last end."""
    coming = iter(orders)
    started_s, run_blocks, all_blocks = time.perf_counter(), 0, 0
    for order in itertools.islice(coming, IN_FLIGHT):
        submit(order)
    for _ in orders:
        end = next_end()
        run_blocks, all_blocks = run_blocks + end.counts.blocks_run, all_blocks + end.counts.blocks_total
        for order in itertools.islice(coming, 1):
            submit(order)
    return Run(time.perf_counter() - started_s, 1 - run_blocks / all_blocks)


def run_baseline(model: LoadedModel, profile: ModelProfile, orders: Sequence[SampleOrder], factor: float) -> Run:
    """Sixteen client threads, one lock, one image at a time."""
    lock, clients = threading.Lock(), queue.SimpleQueue[SampleOrder]()
    counter = BlockCounter(model)
    for order in orders[:WARM_UP]:
        generate(model, profile, order, factor)
    counter.blocks = 0
    for order in orders[WARM_UP:]:
        clients.put(order)

    def client() -> None:
        while True:
            try:
                order = clients.get_nowait()
            except queue.Empty:
                return
            with lock:
                generate(model, profile, order, factor)

    threads = [threading.Thread(target=client) for _ in range(IN_FLIGHT)]
    started_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started_s
    total = sum(order.steps for order in orders[WARM_UP:]) * counter.blocks_a_step
    counter.close()
    return Run(seconds, 1 - counter.blocks / total)


class BlockCounter:
    """Counts blocks that really run: their attention is called, which a skipped block's is not."""

    def __init__(self, model: LoadedModel) -> None:
        transformer = model.pipeline.transformer
        blocks = [*transformer.transformer_blocks, *transformer.single_transformer_blocks]
        self.blocks, self.blocks_a_step = 0, len(blocks)
        self._hooks = [block.attn.register_forward_pre_hook(self._count) for block in blocks]

    def _count(self, module: torch.nn.Module, args: object) -> None:
        self.blocks += 1

    def close(self) -> None:
        """Take the hooks off."""
        for hook in self._hooks:
            hook.remove()


def generate(model: LoadedModel, profile: ModelProfile, order: SampleOrder, factor: float) -> bytes:
    """One image by FluxPipeline with the request's own threshold, as PNG."""
    assert order.cache.tau1 is not None
    transformer = model.pipeline.transformer
    transformer.enable_cache(FirstBlockCacheConfig(threshold=factor * order.cache.tau1))
    try:
        image = model.pipeline(
            order.prompt,
            width=order.width,
            height=order.height,
            num_inference_steps=order.steps,
            guidance_scale=order.guidance,
            max_sequence_length=profile.text_length,
            generator=torch.Generator().manual_seed(order.seed),
        ).images[0]
    finally:
        transformer.disable_cache()
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def matching_factor(
    model: LoadedModel,
    profile: ModelProfile,
    orders: Sequence[SampleOrder],
    skipped: float,
    most_tries: int = MOST_TRIES,
) -> float:
    """The factor at which the baseline skips as much within 2 %, by bisection on whole passes."""
    low, high = 0.1, 4.0
    for _ in range(most_tries):
        factor = math.sqrt(low * high)
        run = run_baseline(model, profile, orders, factor)
        if abs(run.skipped - skipped) <= TOLERANCE * skipped:
            return factor
        low, high = (factor, high) if run.skipped < skipped else (low, factor)
    raise NotComparable(f"the baseline skips {run.skipped:.3f} of the blocks, wanted is {skipped:.3f} within 2 %")


def batch_gain(model: LoadedModel, profile: ModelProfile, repeats: int = 15) -> float:
    """How much cheaper a row is in a batch of eight than alone: the ceiling of what batching can give."""
    times: dict[int, list[float]] = {1: [], 8: []}
    for _ in range(repeats):
        for size in times:
            started_s = time.perf_counter()
            model.pipeline.transformer(**random_inputs(model, profile, size))[0].sum().item()
            times[size].append((time.perf_counter() - started_s) / size)
    return statistics.median(times[1]) / statistics.median(times[8])


def random_inputs(model: LoadedModel, profile: ModelProfile, size: int) -> dict[str, torch.Tensor]:
    """One step's inputs of ``size`` samples at the model's default size."""
    config = model.pipeline.transformer.config
    where: dict[str, Any] = {"device": model.device, "dtype": model.dtype}
    tokens = num_tokens(profile.default_width, profile.default_height)
    inputs = {
        "hidden_states": torch.randn(size, tokens, config.in_channels, **where),
        "encoder_hidden_states": torch.randn(size, profile.text_length, config.joint_attention_dim, **where),
        "pooled_projections": torch.randn(size, config.pooled_projection_dim, **where),
        "timestep": torch.full((size,), 0.5, **where),
        "img_ids": model.family.image_ids(profile.default_width, profile.default_height, model.device),
        "txt_ids": model.family.text_ids(profile.text_length, model.device),
    }
    return inputs | ({"guidance": torch.full((size,), 3.5, **where)} if model.takes_guidance else {})


@torch.inference_mode()
def measure_throughput(profile: ModelProfile, device: str, passes: int = 3) -> Throughput:
    """Interleaved passes of both sides over the same requests."""
    check_has_baseline(profile)
    with two_cpus():
        model = load_benchmarked(profile, device)
        orders = mixed_orders(profile, WARM_UP + REQUESTS, seed=1)
        factor = matching_factor(model, profile, orders, run_engine(model, profile, orders).skipped)
        ours, theirs = [], []
        for _ in range(passes):
            ours.append(run_engine(model, profile, orders))
            theirs.append(run_baseline(model, profile, orders, factor))
        gain = batch_gain(model, profile)
    mine, other = statistics.median(r.seconds for r in ours), statistics.median(r.seconds for r in theirs)
    ratio = statistics.median(b.seconds / a.seconds for a, b in zip(ours, theirs, strict=True))
    return Throughput(REQUESTS / mine, REQUESTS / other, ratio, ours[0].skipped, theirs[0].skipped, gain)
