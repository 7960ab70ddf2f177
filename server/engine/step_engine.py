"""The engine: samples with their own thresholds, steps, guidance and seeds share one forward at a time.

Three threads: text encoding, the step loop, decoding. A sample is handed from one to the next and is owned by one.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from h2cache import SampleCache, StageCache, StepRecord
from server.engine.batch import denoise, gather, scatter
from server.engine.image import NonFiniteImage, decode, encode
from server.engine.interface import (
    BatchStepped,
    EngineEvent,
    Listener,
    Observer,
    SampleDropped,
    SampleFailed,
    SampleFinished,
    SampleOrder,
    SampleStepped,
)
from server.engine.latents import draw_noise, num_tokens
from server.engine.loader import LoadedModel
from server.engine.memory import default_budget, sample_bytes
from server.engine.sample import Sample, cache_counts, cache_settings
from server.engine.schedule import sigmas_of
from server.engine.scheduler import Shape, choose_shape, num_admitted
from server.engine.text_encoder import TextEncoder

IDLE_TICK_S = 0.2
JOIN_S = 10.0
"""The threads are daemons: one that hangs in a kernel or a decode does not keep the process."""
FAILED = "the image could not be computed"
NON_FINITE = "the image could not be computed: the model's numbers overflowed"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What may run at once; ``memory_budget_bytes`` 0 is half of what is free when the engine is made."""

    max_batch: int = 8
    memory_budget_bytes: int = 0
    text_cache_bytes: int = 64 * 2**20
    text_length: int = 512


class StepEngine:
    """Implements ``Engine``. ``decode_image`` is a seam for tests that hold a decode."""

    def __init__(
        self, model: LoadedModel, limits: EngineLimits, decode_image: Callable[..., bytes] | None = None
    ) -> None:
        budget = limits.memory_budget_bytes or default_budget(model.device)
        self._model, self._limits = model, replace(limits, memory_budget_bytes=budget)
        self._decode_image = decode_image or decode_and_encode
        self._text = TextEncoder(model, limits.text_length, limits.text_cache_bytes)
        self._change = threading.Condition()
        # Guarded by _change: every sample that has no end yet, and what is handed over to the step loop.
        self._open: dict[str, SampleOrder] = {}
        self._stepping: set[str] = set()
        self._ready: list[Sample] = []
        self._stopping = False
        # Owned by the step loop.
        self._waiting: list[Sample] = []
        self._running: list[Sample] = []
        self._turn = 0
        self._tick_s: float | None = None
        self._to_encode: queue.SimpleQueue[SampleOrder | None] = queue.SimpleQueue()
        self._to_decode: queue.SimpleQueue[Sample | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self, listener: Listener, observer: Observer) -> None:
        """See Engine."""
        self._listener, self._observer = listener, observer
        for work in (self._encode_all, self._step_all, self._decode_all):
            thread = threading.Thread(target=work, name=f"engine-{work.__name__.strip('_')}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def submit(self, order: SampleOrder) -> None:
        """See Engine."""
        with self._change:
            if order.sample_id in self._open:
                return
            accepted = not self._stopping
            if accepted:
                self._open[order.sample_id] = order
                self._stepping.add(order.sample_id)
        if accepted:
            self._to_encode.put(order)
        else:
            self._listener(SampleDropped(order.sample_id))

    def cancel(self, sample_id: str) -> None:
        """See Engine. The end is told now; whoever owns the sample lets go of it at the next border."""
        self._end(SampleDropped(sample_id))

    def free_slots(self) -> int:
        """See Engine: a batch, and half a batch more whose prompts are encoded meanwhile."""
        with self._change:
            wanted = self._limits.max_batch + max(1, self._limits.max_batch // 2)
            # Decoding that lags by two batches takes no more in, or what waits for it would have no bound.
            lags = len(self._open) - len(self._stepping) >= 2 * self._limits.max_batch
            return 0 if self._stopping or lags else max(0, wanted - len(self._stepping))

    @property
    def last_tick_s(self) -> float | None:
        """See Engine."""
        return self._tick_s

    def stop(self, grace_s: float) -> None:
        """See Engine."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
            self._change.wait_for(lambda: not self._open, timeout=grace_s)
            left = list(self._open)
        for sample_id in left:
            self._end(SampleDropped(sample_id))
        self._to_encode.put(None)
        for thread in self._threads:
            thread.join(JOIN_S)

    # ---- the step loop ----------------------------------------------------------------------------------------

    def _step_all(self) -> None:
        while self._take_ready():
            self._step_once()
        self._to_decode.put(None)

    @torch.inference_mode()
    def _step_once(self) -> None:
        """Schedule, gather, one denoising step, scatter, retire."""
        self._admit()
        samples = self._schedule()
        if not samples:
            return
        started_s = time.perf_counter()
        records = self._step_together(samples)
        self._observe(BatchStepped(len(samples), time.perf_counter() - started_s, _outcomes(records)))
        for sample in samples:
            sample.last_turn = self._turn
            if self._is_open(sample) and sample in self._running:
                self._tell(SampleStepped(sample.order.sample_id, sample.step, sample.order.steps))
        self._retire()

    def _admit(self) -> None:
        """Move from waiting to running what batch and budget hold."""
        count = num_admitted(
            [sample.needed_bytes for sample in self._waiting],
            sum(sample.needed_bytes for sample in self._running),
            len(self._running),
            self._limits.max_batch,
            self._limits.memory_budget_bytes,
        )
        for sample in self._waiting[:count]:
            sample.started_s = time.perf_counter()
            sample.last_turn = self._turn
        self._running += self._waiting[:count]
        del self._waiting[:count]

    def _schedule(self) -> list[Sample]:
        """All running samples of the shape whose turn it is."""
        last_turns: dict[Shape, int] = {}
        for sample in self._running:
            last_turns[sample.shape] = min(sample.last_turn, last_turns.get(sample.shape, sample.last_turn))
        shape = choose_shape(last_turns)
        self._turn += 1
        return [sample for sample in self._running if sample.shape == shape]

    def _step_together(self, samples: Sequence[Sample]) -> list[StepRecord]:
        """One step of all; if that fails, of each alone, so that only the one that fails alone has failed."""
        try:
            batch = gather(self._model, samples)
            result = denoise(self._model, batch)
            scatter(batch, result)
            return list(result.records)
        except Exception:
            log.exception("a step of %d samples failed", len(samples))
        # Only here has the exception let go of the failed step's tensors, which matters when memory was short.
        if len(samples) > 1:
            return [record for sample in samples for record in self._step_together([sample])]
        self._running.remove(samples[0])
        self._end(SampleFailed(samples[0].order.sample_id, FAILED))
        return []

    def _retire(self) -> None:
        """Hand finished samples to decoding."""
        for sample in [sample for sample in self._running if sample.is_done]:
            self._running.remove(sample)
            sample.denoise_ms = 1000 * (time.perf_counter() - sample.started_s)
            sample.cache = replace(sample.cache, structure=StageCache(), detail=StageCache())
            with self._change:
                self._stepping.discard(sample.order.sample_id)
            self._to_decode.put(sample)

    def _take_ready(self) -> bool:
        """Tick; let go of what was cancelled, take over what was encoded; wait when there is nothing to do."""
        with self._change:
            self._tick_s = time.monotonic()
            self._waiting += self._ready
            self._ready.clear()
            self._waiting = [sample for sample in self._waiting if sample.order.sample_id in self._open]
            self._running = [sample for sample in self._running if sample.order.sample_id in self._open]
            if not self._waiting and not self._running:
                if self._stopping and not self._open:
                    return False
                self._change.wait_for(self._has_news, timeout=IDLE_TICK_S)
            return True

    def _has_news(self) -> bool:
        """True when an idle loop has something to do: a sample to take over, or its own end."""
        return bool(self._ready) or (self._stopping and not self._open)

    # ---- text encoding and decoding, off the loop -------------------------------------------------------------

    def _encode_all(self) -> None:
        while (order := self._to_encode.get()) is not None:
            if not self._is_open_id(order.sample_id):
                continue
            try:
                sample = self._prepare(order)
            except Exception:
                log.exception("text encoding failed")
                self._end(SampleFailed(order.sample_id, FAILED))
                continue
            with self._change:
                self._ready.append(sample)
                self._change.notify_all()

    @torch.inference_mode()
    def _prepare(self, order: SampleOrder) -> Sample:
        """Everything that a sample needs before its first step."""
        started_s = time.perf_counter()
        model, channels = self._model, self._model.pipeline.transformer.config.in_channels // 4
        embedding = self._text.encode(order.prompt)
        settings = cache_settings(order.cache)
        noise = draw_noise(order.seed, channels, order.width, order.height, model.dtype)
        tokens = num_tokens(order.width, order.height)
        needed = sample_bytes(
            model.flux,
            order.width,
            order.height,
            order.steps,
            embedding,
            channels,
            model.dtype,
            settings is not None,
        )
        return Sample(
            order,
            embedding,
            noise.to(model.device),
            sigmas_of(model.pipeline.scheduler.config, order.steps, tokens),
            SampleCache.start(settings, order.steps),
            needed,
            1000 * (time.perf_counter() - started_s),
        )

    def _decode_all(self) -> None:
        while (sample := self._to_decode.get()) is not None:
            if self._is_open(sample):
                self._end(self._decoded(sample))

    def _decoded(self, sample: Sample) -> EngineEvent:
        order, started_s = sample.order, time.perf_counter()
        try:
            content = self._decode_image(self._model, sample)
        except NonFiniteImage:
            return SampleFailed(order.sample_id, NON_FINITE)
        except Exception:
            log.exception("decoding failed")
            return SampleFailed(order.sample_id, FAILED)
        flux = self._model.flux
        return SampleFinished(
            order.sample_id,
            content,
            cache_counts(sample.cache, len(flux.structure.blocks) + len(flux.detail.blocks)),
            sample.encode_ms,
            sample.denoise_ms,
            1000 * (time.perf_counter() - started_s),
            sample.embedding.num_tokens,
        )

    # ---- ends -------------------------------------------------------------------------------------------------

    def _is_open(self, sample: Sample) -> bool:
        return self._is_open_id(sample.order.sample_id)

    def _is_open_id(self, sample_id: str) -> bool:
        with self._change:
            return sample_id in self._open

    def _end(self, event: EngineEvent) -> None:
        """Tell the end of a sample, once: the first to come takes it off the list."""
        with self._change:
            was_open = self._open.pop(event.sample_id, None) is not None
            self._stepping.discard(event.sample_id)
            self._change.notify_all()
        if was_open:
            self._tell(event)

    def _tell(self, event: EngineEvent) -> None:
        try:
            self._listener(event)
        except Exception:
            log.exception("the engine's listener failed")

    def _observe(self, step: BatchStepped) -> None:
        try:
            self._observer(step)
        except Exception:
            log.exception("the engine's observer failed")


def _outcomes(records: Sequence[StepRecord]) -> tuple[str, ...]:
    return tuple(record.outcome.value for record in records)


def decode_and_encode(model: LoadedModel, sample: Sample) -> bytes:
    """A finished sample as an image file."""
    order = sample.order
    image = decode(model, sample.latents, order.width, order.height)
    return encode(image, order.output_format, order.output_compression)
