"""The state of one sample: owned by the caller, passed in and out, never changed in place."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from h2cache.settings import CacheSettings
from h2cache.stats import SampleStatistics


@dataclass(frozen=True, slots=True)
class StageCache:
    """What a stage remembers of the last step that it computed.

    ``summary`` (n, c) is the pooled summary of the first block's residual; ``residual`` is what the other blocks
    added to the text (S, D) and image (T, D) streams; ``consecutive`` counts the steps in a row that reused it.
    """

    summary: Tensor | None = None
    residual: tuple[Tensor, ...] = ()
    consecutive: int = 0

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Everything that takes memory."""
        return self.residual if self.summary is None else (self.summary, *self.residual)

    def to(self, device: torch.device | str) -> "StageCache":
        """The same state on another device."""
        summary = None if self.summary is None else self.summary.to(device)
        return StageCache(summary, tuple(part.to(device) for part in self.residual), self.consecutive)


@dataclass(frozen=True, slots=True)
class SampleCache:
    """One sample between two steps. ``settings`` None computes everything and stores nothing."""

    settings: CacheSettings | None
    num_steps: int
    step_index: int = 0
    structure: StageCache = field(default_factory=StageCache)
    detail: StageCache = field(default_factory=StageCache)
    statistics: SampleStatistics = field(default_factory=SampleStatistics)

    @classmethod
    def start(cls, settings: CacheSettings | None, num_steps: int) -> "SampleCache":
        """The state before the first of ``num_steps`` steps."""
        return cls(settings, num_steps)

    @property
    def nonfinite(self) -> bool:
        """True once a residual was not finite; from there on everything is computed."""
        return self.statistics.nonfinite

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(part.nbytes for part in (*self.structure.tensors, *self.detail.tensors))

    def to(self, device: torch.device | str) -> "SampleCache":
        """The same state on another device."""
        return replace(self, structure=self.structure.to(device), detail=self.detail.to(device))
