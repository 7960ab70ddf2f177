"""The step loop: schedule -> gather -> one denoising step -> scatter -> retire. One thread owns all of it."""

import logging
import time
from collections.abc import Callable, Sequence

import torch

from h2cache import StepRecord
from server.engine.ahead import first_of
from server.engine.batch import denoise, gather, scatter
from server.engine.device_error import fault_of, is_device_lost
from server.engine.interface import (
    FAILED,
    BatchStepped,
    EngineLimits,
    EngineMemory,
    Observer,
    RowStepped,
    SampleEvent,
    SampleFailed,
    SampleStepped,
)
from server.engine.loader import LoadedModel
from server.engine.memory import allocated_bytes
from server.engine.preview import Preview, take_preview
from server.engine.roster import Roster
from server.engine.sample import Sample
from server.engine.scheduler import Shape, choose_shape, num_admitted

IDLE_TICK_S = 0.2
log = logging.getLogger(__name__)


class StepLoop:
    """Takes samples over from text encoding, steps them, and hands those that are done to ``decode``.

    ``tell`` publishes progress, ``end`` a sample's end, ``observe`` what a step cost. ``save`` is offered every
    sample between two steps. An error that leaves the device useless ends the loop.
    """

    def __init__(
        self,
        model: LoadedModel,
        limits: EngineLimits,
        roster: Roster,
        tell: Callable[[SampleEvent], None],
        end: Callable[[SampleEvent], None],
        observe: Observer,
        decode: Callable[[Sample | Preview], None],
        save: Callable[[Sample], None],
    ) -> None:
        self._model, self._limits, self._roster = model, limits, roster
        self._tell, self._end, self._observe = tell, end, observe
        self._decode, self._save = decode, save
        self._waiting: list[Sample] = []
        self._running: list[Sample] = []
        self._turn = 0
        self.tick_s: float | None = None

    def run(self) -> None:
        """Until the roster is closed and empty."""
        while not self._roster.is_over:
            self.tick_s = time.monotonic()
            self._take_over()
            if self._waiting or self._running:
                self._step()
            else:
                self._roster.crowded(False)
                self._roster.wait_for_news(IDLE_TICK_S)

    @torch.inference_mode()
    def _step(self) -> None:
        """One step of those that go first. If it fails, of each alone: only who fails alone fails."""
        self._admit()
        mates = self._schedule()
        started_s = time.perf_counter()
        samples = self._first_of(mates)
        rows: Sequence[RowStepped] | None = None
        try:
            batch = gather(self._model, samples)
            result = denoise(self._model, batch)
            scatter(batch, result)
            rows = self._rows(samples, result.records)
        except Exception as error:
            if is_device_lost(error):
                raise fault_of(error, *[sample.order.sample_id for sample in samples]) from error
            log.exception("a step of %d samples failed", len(samples))
        if rows is None:
            # Only here has the exception let go of the failed step's tensors, which matters when memory was short.
            rows = [row for sample in samples for row in self._step_alone(sample)]
        seconds = time.perf_counter() - started_s
        self._observe(BatchStepped(len(mates), seconds, tuple(rows), self._memory(), len(mates) - len(samples)))
        self._retire(samples)

    def _take_over(self) -> None:
        """Let go of what was cancelled, take in what was encoded."""
        self._waiting += self._roster.take_over()
        self._waiting = [sample for sample in self._waiting if self._is_open(sample)]
        self._running = [sample for sample in self._running if self._is_open(sample)]

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
        self._roster.crowded(bool(self._waiting) and len(self._running) < self._limits.max_batch)

    def _schedule(self) -> list[Sample]:
        """All running samples of the shape whose turn it is."""
        last_turns: dict[Shape, int] = {}
        for sample in self._running:
            last_turns[sample.shape] = min(sample.last_turn, last_turns.get(sample.shape, sample.last_turn))
        shape = choose_shape(last_turns)
        self._turn += 1
        return [sample for sample in self._running if sample.shape == shape]

    def _first_of(self, mates: Sequence[Sample]) -> Sequence[Sample]:
        """Who steps now. To find out is to wait for the last computed step, whose error may come up here."""
        try:
            return first_of(mates)
        except Exception as error:
            if is_device_lost(error):
                raise fault_of(error, *[sample.order.sample_id for sample in mates]) from error
            log.exception("looking ahead of %d samples failed", len(mates))
            return mates

    def _step_alone(self, sample: Sample) -> Sequence[RowStepped]:
        """One step of one sample; if that fails too, the sample ends."""
        try:
            batch = gather(self._model, [sample])
            result = denoise(self._model, batch)
            scatter(batch, result)
            return self._rows([sample], result.records)
        except Exception as error:
            if is_device_lost(error):
                raise fault_of(error, sample.order.sample_id) from error
            log.exception("a step of one sample failed")
        self._running.remove(sample)
        self._end(SampleFailed(sample.order.sample_id, FAILED))
        return ()

    def _retire(self, samples: Sequence[Sample]) -> None:
        """Tell the progress of what was stepped, and hand finished samples, without their state, to decoding.

        Whoever waited keeps an older turn, so that their shape stays on until they have computed.
        """
        for sample in samples:
            sample.last_turn = self._turn
            if self._is_open(sample):
                order = sample.order
                self._tell(SampleStepped(order.sample_id, sample.step, sample.num_steps, sample.outcomes))
            if not sample.is_done:
                self._save(sample)
                self._preview(sample)
            else:
                self._running.remove(sample)
                sample.denoise_ms = 1000 * (time.perf_counter() - sample.started_s)
                sample.caches = tuple(cache.without_tensors() for cache in sample.caches)
                self._roster.has_stepped(sample.order.sample_id)
                self._decode(sample)

    def _preview(self, sample: Sample) -> None:
        """Hand what is due over to decoding, before the finished sample."""
        preview = take_preview(sample)
        if preview is not None:
            self._decode(preview)

    def _is_open(self, sample: Sample) -> bool:
        return self._roster.is_open(sample.order.sample_id)

    def _rows(self, samples: Sequence[Sample], records: Sequence[StepRecord]) -> list[RowStepped]:
        """The records are in the order of the samples' rows."""
        owners = [sample for sample in samples for _ in sample.caches]
        total = len(self._model.flux.blocks)
        return [
            RowStepped(owner.order.cache, told.outcome.value, told.blocks_run, total, told.flops_share)
            for owner, told in zip(owners, records, strict=True)
        ]

    def _memory(self) -> EngineMemory:
        needed = sum(sample.needed_bytes for sample in self._running)
        return EngineMemory(needed, self._limits.memory_budget_bytes, allocated_bytes(self._model.device))
