"""One image on its way: what was ordered, where it is, and the state that it owns."""

import json
from dataclasses import dataclass

from torch import Tensor

from h2cache import Method, SampleCache, by_parts, method
from server.engine.interface import SampleOrder
from server.engine.text_encoder import Embedding
from server.request import CacheChoice, CacheCounts


@dataclass
class Sample:
    """Owned by one thread at a time: text encoding, then the step loop, then decoding.

    ``latents`` (T, 4 C); ``sigmas`` (steps + 1,) on the CPU. ``last_turn`` is the loop's turn of its last step.
    """

    order: SampleOrder
    embedding: Embedding
    latents: Tensor
    sigmas: Tensor
    cache: SampleCache
    needed_bytes: int
    encode_ms: float
    last_turn: int = 0
    started_s: float = 0.0
    denoise_ms: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Width and height: only samples of one shape share a forward."""
        return self.order.width, self.order.height

    @property
    def step(self) -> int:
        """Steps done so far."""
        return self.cache.step_index

    @property
    def is_done(self) -> bool:
        """True after the last step."""
        return self.step == self.order.steps

    @property
    def nbytes(self) -> int:
        """Bytes that the sample holds now."""
        text = self.embedding.nbytes
        return self.latents.nbytes + self.sigmas.nbytes + text + self.cache.nbytes


def cache_method(choice: CacheChoice) -> Method | None:
    """The library's method of a request's choice; None is off."""
    if choice.parts is not None:
        return by_parts(json.loads(choice.parts))
    if choice.is_off:
        return None
    if not choice.has_taus:
        return method(choice.method, dict(choice.parameters))
    keys = ("tau1", "tau2", "warmup", "last_full", "max_consecutive")
    return method(choice.method, {key: getattr(choice, key) for key in keys})


def cache_counts(cache: SampleCache, blocks_a_step: int) -> CacheCounts:
    """What the answer says of a finished sample."""
    statistics = cache.statistics
    return CacheCounts(
        steps=statistics.steps,
        full=statistics.full,
        detail_hits=statistics.detail_hits,
        structure_hits=statistics.structure_hits,
        blocks_run=statistics.blocks_run,
        blocks_total=statistics.steps * blocks_a_step,
        flops_ratio=statistics.flops_ratio,
        nonfinite=statistics.nonfinite,
    )
