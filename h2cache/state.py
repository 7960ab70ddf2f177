"""The state of one sample: owned by the caller, passed in and out, never changed in place."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from h2cache.checks import check_count
from h2cache.stats import SampleStatistics

if TYPE_CHECKING:
    from h2cache.method import Method


@dataclass(frozen=True, slots=True)
class Reference:
    """What was measured in a step: ``summary`` (n, c) float32, P(r), and ``scale`` () float32, its mean size."""

    summary: Tensor
    scale: Tensor

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Everything that takes memory."""
        return self.summary, self.scale


@dataclass(frozen=True, slots=True)
class Forecast:
    """How the forecast of a computed step turned out, both () float32: the step's ``sigma``, and its ``rate``.

    The rate is ``Norm.RATE``, None where there was nothing to put in. ``level`` is sigma as the host knows it,
    None where it does not.
    """

    sigma: Tensor
    rate: Tensor | None = None
    level: float | None = None

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Everything that takes memory."""
        return (self.sigma,) if self.rate is None else (self.sigma, self.rate)


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a stage gave in a step that was computed. The tensors are the sample's own, not views.

    ``img`` (T, D) and ``txt`` (S, D): what the stage added to the streams, without text where no later block reads
    it; of a whole-step method that reuses outputs, ``img`` is the velocity (T, C). ``mark`` () float32: 0, or NaN
    where they are not finite. What was measured in that step, where somebody will ask for it: ``seen`` for the
    gate, ``followed`` for the fill. ``forecast``: its noise level and how it was off,
    where the gate asks for them. ``gap``: steps since the computed one before, 0 for the first.
    """

    step_index: int
    img: Tensor
    txt: Tensor | None
    mark: Tensor
    seen: Reference | None = None
    followed: Reference | None = None
    forecast: Forecast | None = None
    gap: int = 0

    @property
    def tensors(self) -> Iterator[Tensor]:
        """Everything that takes memory."""
        yield from (self.img, self.mark)
        if self.txt is not None:
            yield self.txt
        if self.forecast is not None:
            yield from self.forecast.tensors
        for reference in (self.seen, self.followed):
            if reference is not None:
                yield from reference.tensors


@dataclass(frozen=True, slots=True)
class StageCache:
    """One stage of one sample between two steps.

    ``anchors``, the newest first, are the last computed steps. ``previous`` is what was measured in the last step,
    computed or not, for the methods that compare with it. ``memory`` is the gate's, and ``consecutive`` counts the
    steps in a row, up to now, in which the stage was reused.
    """

    anchors: tuple[Anchor, ...] = ()
    previous: Reference | None = None
    memory: tuple[float, ...] = ()
    consecutive: int = 0

    @property
    def tensors(self) -> Iterator[Tensor]:
        """Everything that takes memory."""
        for anchor in self.anchors:
            yield from anchor.tensors
        if self.previous is not None:
            yield from self.previous.tensors

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors; what two parts share counts once."""
        return sum({id(tensor): tensor.nbytes for tensor in self.tensors}.values())


@dataclass(frozen=True, slots=True)
class SampleCache:
    """One sample between two steps: the whole state of its method, and its progress.

    ``method`` None is off: everything is computed and nothing stored. ``step_index`` is the step to come; there is
    one stage for each part of the model that the method may reuse.
    """

    method: "Method | None"
    num_steps: int
    step_index: int = 0
    stages: tuple[StageCache, ...] = ()
    statistics: SampleStatistics = field(default_factory=SampleStatistics)

    def __post_init__(self) -> None:
        check_count("num_steps", self.num_steps, low=1)
        check_count("step_index", self.step_index)

    @classmethod
    def start(cls, method: "Method | None", num_steps: int) -> "SampleCache":
        """The state before the first of ``num_steps`` steps."""
        return cls(method, num_steps, stages=tuple(StageCache() for _ in method.stages) if method else ())

    @property
    def nonfinite(self) -> bool:
        """True once a residual was not finite; from there on everything is computed."""
        return self.statistics.nonfinite

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(stage.nbytes for stage in self.stages)

    def without_tensors(self) -> "SampleCache":
        """The statistics of a finished sample, without what it holds."""
        return replace(self, stages=tuple(StageCache() for _ in self.stages))

    def to(self, device: torch.device | str) -> "SampleCache":
        """The same state on another device."""
        return replace(self, stages=tuple(_moved(stage, device) for stage in self.stages))


def _moved(stage: StageCache, device: torch.device | str) -> StageCache:
    return replace(
        stage,
        anchors=tuple(
            replace(
                anchor,
                img=anchor.img.to(device),
                txt=None if anchor.txt is None else anchor.txt.to(device),
                mark=anchor.mark.to(device),
                seen=_moved_reference(anchor.seen, device),
                followed=_moved_reference(anchor.followed, device),
                forecast=_moved_forecast(anchor.forecast, device),
            )
            for anchor in stage.anchors
        ),
        previous=_moved_reference(stage.previous, device),
    )


def _moved_reference(seen: Reference | None, device: torch.device | str) -> Reference | None:
    return None if seen is None else Reference(seen.summary.to(device), seen.scale.to(device))


def _moved_forecast(known: Forecast | None, device: torch.device | str) -> Forecast | None:
    if known is None:
        return None
    rate = None if known.rate is None else known.rate.to(device)
    return Forecast(known.sigma.to(device), rate, known.level)
