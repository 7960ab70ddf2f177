"""The state of one sample: owned by the caller, passed in and out, never changed in place."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from h2cache.errors import H2CacheError
from h2cache.saving import pack, unpack
from h2cache.settings import CacheSettings
from h2cache.stats import SampleStatistics


@dataclass(frozen=True, slots=True)
class StepMemory:
    """What a stage remembers of the last step that it computed. The tensors are the sample's own, not views.

    ``summary`` (n, c) float32: P(r), the pooled summary of the first block's residual; ``scale`` () float32:
    mean |P(r)|, or NaN where the residuals below are not finite; ``txt`` (S, D) and ``img`` (T, D): what the
    other blocks added to the streams.
    """

    summary: Tensor
    scale: Tensor
    txt: Tensor
    img: Tensor

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Everything that takes memory."""
        return self.summary, self.scale, self.txt, self.img


@dataclass(frozen=True, slots=True)
class StageCache:
    """One stage of one sample between two steps.

    ``memory`` is None before the first computed step; ``consecutive`` counts the steps in a row, up to now,
    in which the stage's residual was reused.
    """

    memory: StepMemory | None = None
    consecutive: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return 0 if self.memory is None else sum(part.nbytes for part in self.memory.tensors)

    def reused(self) -> "StageCache":
        """The state after one more step that reused the residual."""
        return StageCache(self.memory, self.consecutive + 1)

    def to(self, device: torch.device | str) -> "StageCache":
        """The same state on another device."""
        if self.memory is None:
            return self
        return StageCache(StepMemory(*(part.to(device) for part in self.memory.tensors)), self.consecutive)


@dataclass(frozen=True, slots=True)
class SampleCache:
    """One sample between two steps: H2-Cache's whole state (arXiv 2510.27171) and the sample's progress.

    ``settings`` None is off: everything is computed and nothing stored. ``step_index`` is the step to come.
    """

    settings: CacheSettings | None
    num_steps: int
    step_index: int = 0
    structure: StageCache = field(default_factory=StageCache)
    detail: StageCache = field(default_factory=StageCache)
    statistics: SampleStatistics = field(default_factory=SampleStatistics)

    def __post_init__(self) -> None:
        if not isinstance(self.num_steps, int) or self.num_steps < 1:
            raise H2CacheError(f"num_steps is {self.num_steps!r}, allowed is a whole number from 1 up")
        if not isinstance(self.step_index, int) or self.step_index < 0:
            raise H2CacheError(f"step_index is {self.step_index!r}, allowed is a whole number from 0 up")

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
        return self.structure.nbytes + self.detail.nbytes

    def to(self, device: torch.device | str) -> "SampleCache":
        """The same state on another device."""
        return replace(self, structure=self.structure.to(device), detail=self.detail.to(device))

    def to_bytes(self) -> bytes:
        """The state as safetensors bytes, to be taken up by another process; no pickle."""
        stages = {"structure": self.structure, "detail": self.detail}
        facts = {
            "settings": None if self.settings is None else asdict(self.settings),
            "num_steps": self.num_steps,
            "step_index": self.step_index,
            "consecutive": {name: stage.consecutive for name, stage in stages.items()},
            "statistics": asdict(self.statistics),
        }
        tensors: dict[str, Tensor] = {}
        for name, stage in stages.items():
            if stage.memory is not None:
                tensors |= {f"{name}.{part}": getattr(stage.memory, part) for part in PARTS}
        return pack(tensors, facts)

    @classmethod
    def from_bytes(cls, content: bytes, device: torch.device | str = "cpu") -> "SampleCache":
        """The state that ``to_bytes`` wrote, on ``device``. Raises H2CacheError for any other bytes."""
        tensors, facts = unpack(content)
        try:
            cache = cls(
                None if facts["settings"] is None else CacheSettings(**facts["settings"]),
                facts["num_steps"],
                facts["step_index"],
                _stage(tensors, facts, "structure"),
                _stage(tensors, facts, "detail"),
                SampleStatistics(**facts["statistics"]),
            )
        except (KeyError, TypeError) as error:
            raise H2CacheError(f"{len(content)} bytes are not a whole saved sample: {error}") from error
        return cache.to(device)


PARTS = ("summary", "scale", "txt", "img")


def _stage(tensors: dict[str, Tensor], facts: dict[str, Any], name: str) -> StageCache:
    found = {part: tensors[f"{name}.{part}"] for part in PARTS if f"{name}.{part}" in tensors}
    return StageCache(StepMemory(**found) if found else None, facts["consecutive"][name])
