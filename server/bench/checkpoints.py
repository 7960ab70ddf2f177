"""What checkpoints cost: the time of a batch whose samples are saved at each 8th step, against one without."""

import queue
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from server.bench.models import load_benchmarked
from server.bench.requests import mixed_orders
from server.engine.checkpoint import read_checkpoint
from server.engine.interface import (
    EngineEvent,
    EngineLimits,
    SampleEnd,
    SampleFinished,
    SampleOrder,
    SampleSaved,
    SampleStepped,
)
from server.engine.loader import LoadedModel
from server.engine.step_engine import StepEngine
from server.errors import ServerError
from server.profile import ModelProfile

EACH_STEPS, BATCH, PASSES, SEED = 8, 8, 5, 1
WHOLE = 2**62


@dataclass(frozen=True)
class CheckpointCost:
    """``ratio`` of the passes' median times; bytes and milliseconds are of one sample's checkpoint."""

    ratio: float
    per_pass: int
    mean_bytes: float
    read_ms: float


def measure_checkpoints(
    profile: ModelProfile, device: str, passes: int = PASSES, batch: int = BATCH
) -> CheckpointCost:
    """Passes with and without take turns, so that a machine that slows down slows both."""
    loaded = load_benchmarked(profile, device)
    orders = mixed_orders(profile, batch, SEED)
    times: dict[bool, list[float]] = {False: [], True: []}
    saved: list[SampleSaved] = []
    for is_saving in (False, True) * (1 + passes):
        started_s = time.perf_counter()
        saved = run_pass(loaded, profile.text_length, orders, is_saving) or saved
        times[is_saving].append(time.perf_counter() - started_s)
    with_s, without_s = (median(times[is_saving][1:]) for is_saving in (True, False))
    started_s = time.perf_counter()
    for each in saved:
        read_checkpoint(each.content, loaded.device)
    read_ms = 1000 * (time.perf_counter() - started_s) / len(saved)
    return CheckpointCost(
        with_s / without_s, len(saved), sum(len(each.content) for each in saved) / len(saved), read_ms
    )


def run_pass(
    model: LoadedModel, text_length: int, orders: Sequence[SampleOrder], is_saving: bool
) -> list[SampleSaved]:
    """All orders in one batch, and what was saved on the way."""
    ends: queue.SimpleQueue[SampleEnd] = queue.SimpleQueue()
    saved: list[SampleSaved] = []
    engine = StepEngine(model, EngineLimits(max_batch=BATCH, text_length=text_length))

    def listen(event: EngineEvent) -> None:
        if isinstance(event, SampleStepped) and is_saving and event.step % EACH_STEPS == 0:
            engine.save(event.sample_id, WHOLE)
        elif isinstance(event, SampleSaved):
            saved.append(event)
        elif isinstance(event, SampleEnd):
            ends.put(event)

    engine.start(listen, lambda fact: None)
    try:
        for order in orders:
            engine.submit(order)
        for _ in orders:
            end = ends.get()
            if not isinstance(end, SampleFinished):
                raise ServerError(f"sample {end.sample_id} of the benchmark ended without an image")
    finally:
        engine.stop(0.0)
    return saved
