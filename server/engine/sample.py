"""One image on its way: what was ordered, where it is, and the state that it owns."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from h2cache import Method, SampleCache, by_parts, method
from server.engine.embedding import Embedding
from server.engine.input_images import Given
from server.engine.interface import SampleOrder
from server.engine.preview_steps import number_of
from server.engine.scheduler import Shape
from server.request import CacheChoice, CacheCounts


@dataclass
class Sample:
    """Owned by one thread at a time: text encoding, then the step loop, then decoding.

    It is one row of its batch, or two under classifier-free guidance by ``cfg_scale``: with the prompt and with
    the negative one. Each has an embedding and a cache of its own. ``given`` is what its steps are told of input
    images. ``latents`` (T, C); ``sigmas`` (steps to take + 1,) on the CPU. ``last_turn`` is the loop's turn of its
    last step, ``outcomes`` how that one ended for each row, ``velocity`` (T, C) what led to its latents where a
    preview is due. ``is_ahead``: the step to come runs no block; None before anybody asked.
    """

    order: SampleOrder
    embeddings: tuple[Embedding, ...]
    given: Given
    latents: Tensor
    sigmas: Tensor
    caches: tuple[SampleCache, ...]
    needed_bytes: int
    encode_ms: float
    cfg_scale: float | None = None
    last_turn: int = 0
    outcomes: tuple[str, ...] = ()
    velocity: Tensor | None = None
    is_ahead: bool | None = None
    started_s: float = 0.0
    denoise_ms: float = 0.0

    @property
    def shape(self) -> Shape:
        """Width, height, text and reference tokens: only samples of one shape share a forward."""
        text_tokens = len(self.embeddings[0].tokens)
        return self.order.width, self.order.height, text_tokens, self.given.num_references

    @property
    def step(self) -> int:
        """Steps done so far."""
        return self.caches[0].step_index

    @property
    def sigma(self) -> float:
        """The noise level that the step to come starts from."""
        return float(self.sigmas[self.step])

    @property
    def num_steps(self) -> int:
        """Steps to take: those of the order, or fewer where it starts from an image."""
        return len(self.sigmas) - 1

    @property
    def is_preview_due(self) -> bool:
        """True after the steps that show one."""
        return number_of(self.step, self.num_steps, self.order.partial_images) is not None

    @property
    def is_done(self) -> bool:
        """True after the last step."""
        return self.step == self.num_steps

    @property
    def nbytes(self) -> int:
        """Bytes that the sample holds now."""
        texts = sum(embedding.nbytes for embedding in self.embeddings)
        states = sum(cache.nbytes for cache in self.caches)
        return self.latents.nbytes + self.given.nbytes + self.sigmas.nbytes + texts + states


def cache_method(choice: CacheChoice) -> Method | None:
    """The library's method of a request's choice; None is off."""
    if choice.parts is not None:
        return by_parts(json.loads(choice.parts))
    if choice.is_off:
        return None
    if choice.tau1 is None:
        return method(choice.method, dict(choice.parameters))
    keys = ("tau1", "tau2", "warmup", "last_full", "max_consecutive")
    return method(choice.method, {key: getattr(choice, key) for key in keys})


def cache_counts(caches: Sequence[SampleCache], blocks_a_step: int) -> CacheCounts:
    """What the answer says of a finished sample: each of its rows' steps counted."""
    of_rows = [cache.statistics for cache in caches]
    steps = sum(row.steps for row in of_rows)
    return CacheCounts(
        steps=steps,
        full=sum(row.full for row in of_rows),
        detail_hits=sum(row.detail_hits for row in of_rows),
        structure_hits=sum(row.structure_hits for row in of_rows),
        blocks_run=sum(row.blocks_run for row in of_rows),
        blocks_total=steps * blocks_a_step,
        flops_ratio=sum(row.flops for row in of_rows) / steps if steps else 1.0,
        nonfinite=any(row.nonfinite for row in of_rows),
    )
