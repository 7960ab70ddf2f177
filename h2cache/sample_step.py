"""One sample during one step, and the streams of the samples that are under way."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from h2cache.family import Streams
from h2cache.fill import Now, combine
from h2cache.fills.calmed import calmed
from h2cache.layout import Spans
from h2cache.method import Against, Reused, Stage
from h2cache.rule import Verdict
from h2cache.state import Anchor, Forecast, Reference, SampleCache, StageCache
from h2cache.summary import mean_abs

LEAST_WAY = 1e-6
"""Of sigma: a sampler that stays where it is, or goes back, changes fast by this measure."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Streams at a block, of the samples ``order``: place i is the batch's row ``order[i]``."""

    order: tuple[int, ...]
    streams: Streams

    def of(self, rows: Sequence[int]) -> Streams:
        """Some of the samples as a batch."""
        return self.streams.rows([self.order.index(row) for row in rows])

    def img(self, row: int) -> Tensor:
        """One sample's image stream (T, D), a view."""
        return self.streams.img[self.order.index(row)]

    def both(self, row: int) -> tuple[Tensor, Tensor]:
        """One sample's text and image stream, views."""
        return self.txt(row), self.img(row)

    def txt(self, row: int) -> Tensor:
        """One sample's text stream (S, D), a view."""
        return self.streams.txt[self.order.index(row)]


@dataclass
class SampleStep:
    """What happens to one sample in one step; ``row`` is its place in the batch.

    ``latents`` (T, C), ``sigma`` () float32 and ``grid`` are what the step was given, ``level`` is sigma where the
    host knows it. ``verdicts``, ``seen`` (for the gate) and ``followed`` (for the fill) grow by one a stage;
    ``anchors`` has what the computed stages gave, by stage.
    """

    row: int
    cache: SampleCache
    spans: Spans
    latents: Tensor
    sigma: Tensor
    level: float | None
    grid: tuple[int, int] | None
    verdicts: list[Verdict] = field(default_factory=list)
    seen: list[Reference | None] = field(default_factory=list)
    followed: list[Reference | None] = field(default_factory=list)
    anchors: dict[int, Anchor] = field(default_factory=dict)

    def stage(self, number: int) -> Stage:
        """The parts of a stage."""
        assert self.cache.method is not None
        return self.cache.method.stages[number]

    @property
    def num_stages(self) -> int:
        """Stages that may be reused; none without a cache."""
        return len(self.cache.stages)

    def has(self, number: int) -> bool:
        """True where the sample's method has so many stages."""
        return number < self.num_stages

    @property
    def marks(self) -> list[Tensor]:
        """Scalars that are NaN where something remembered is not finite."""
        return [anchor.mark for stage in self.cache.stages for anchor in stage.anchors]

    @property
    def reuses_output(self) -> bool:
        """True where the method puts in velocities."""
        return self.num_stages > 0 and self.stage(0).reused.is_velocity

    @property
    def skips_head(self) -> bool:
        """True where the velocity of this step is put in; False while that is not decided."""
        return self.reuses_output and bool(self.verdicts) and self.verdicts[0].reused

    def reused_sum(self, number: int) -> tuple[Tensor, Tensor | None]:
        """What is put in for a stage: image and text, where there is text."""
        fill, anchors = self.stage(number).fill, self.cache.stages[number].anchors
        weights = fill.weights(anchors, Now(self.cache.step_index, self.cache.num_steps, self.followed[number]))
        img = combine([anchor.img for anchor in anchors], weights)
        if fill.steady is not None:
            own = len(self.latents)  # the tokens of references lie on grids of their own
            low = fill.steady((anchors[0].img - img)[:own], self.grid)
            img = torch.cat([img[:own] + low, img[own:]])
        texts = [anchor.txt for anchor in anchors if anchor.txt is not None]
        return img, combine(texts, weights) if texts else None

    def filled(self, number: int, now: Snapshot, start: Snapshot) -> tuple[Tensor, Tensor]:
        """The sample's text and image streams at the end of a stage that is reused."""
        if self.reuses_output:
            return now.txt(self.row), now.img(self.row)  # read by nobody: the head is skipped
        img, txt = self.reused_sum(number)
        reused = self.stage(number).reused
        base = now if reused is Reused.REST else start
        text = base.txt(self.row)
        if reused is Reused.STATE:
            return (text if txt is None else txt), img
        return (text if txt is None else text + txt), base.img(self.row) + img

    def filled_velocity(self) -> Tensor:
        """The velocity (T, C) of a step in which it is put in."""
        velocity, _ = self.reused_sum(0)
        return velocity + self.latents if self.stage(0).reused is Reused.OVER_LATENTS else velocity

    def remember(self, number: int, base: Snapshot, end: Snapshot, is_last: bool) -> None:
        """Take down what a computed stage gave; text only where a later block reads it."""
        if self.stage(number).reused is Reused.STATE:
            img, txt = end.img(self.row).clone(), end.txt(self.row).clone()
        else:
            img = end.img(self.row) - base.img(self.row)
            txt = end.txt(self.row) - base.txt(self.row)
        total = img.sum(dtype=torch.float32) + txt.sum(dtype=torch.float32)
        self._anchor(number, img, None if is_last else txt, 0 * total)

    def remember_output(self, velocity: Tensor) -> None:
        """Take down the computed velocity (T, C) of a sample whose method reuses outputs."""
        is_over = self.stage(0).reused is Reused.OVER_LATENTS
        kept = velocity - self.latents if is_over else velocity.clone()
        if self.stage(0).fill.calms_first and not self.cache.stages[0].anchors:
            kept = calmed(velocity, self.latents, self.sigma)
        self._anchor(0, kept, None, 0 * kept.sum(dtype=torch.float32))

    def _anchor(self, number: int, img: Tensor, txt: Tensor | None, mark: Tensor) -> None:
        seen = None if self._is_against_previous(number) else self.seen[number]
        before = self.cache.stages[number].anchors
        gap = self.cache.step_index - before[0].step_index if before else 0
        forecast = self._forecast(number, img)
        self.anchors[number] = Anchor(
            self.cache.step_index, img, txt, mark, seen, self.followed[number], forecast, gap
        )

    def _forecast(self, number: int, img: Tensor) -> Forecast | None:
        """The noise level, and how far what would have been put in was off, for the gate that asks for them."""
        if not self.stage(number).asks_forecast:
            return None
        anchors = self.cache.stages[number].anchors
        if not anchors:
            return Forecast(self.sigma, level=self.level)
        before, foretold, computed = anchors[0].forecast, self.reused_sum(number)[0], img.float()
        assert before is not None  # each computed step of this gate has one, and the newest keeps it
        miss = mean_abs(computed - foretold.float()) / mean_abs(computed)
        return Forecast(self.sigma, miss / (before.sigma - self.sigma).clamp(min=LEAST_WAY), self.level)

    def _is_against_previous(self, number: int) -> bool:
        measure = self.stage(number).measure
        return measure is not None and measure.against is Against.PREVIOUS

    def stages_after(self) -> tuple[StageCache, ...]:
        """The stages' state after the step."""
        return tuple(self._stage_after(number) for number in range(self.num_stages))

    def _stage_after(self, number: int) -> StageCache:
        before, verdict = self.cache.stages[number], self.verdicts[number]
        previous = self.seen[number] if self._is_against_previous(number) else None
        if verdict.reused:
            return StageCache(before.anchors, previous, verdict.memory, before.consecutive + 1)
        if not verdict.stores:
            return StageCache()
        # The gate compares with the newest anchor only, and asks how its forecast was only.
        fill = self.stage(number).fill
        is_calmed = fill.calms_first and bool(before.anchors) and before.anchors[0].gap == 0
        kept = () if is_calmed else before.anchors[: fill.num_anchors - 1]
        older = tuple(replace(anchor, seen=None, forecast=None) for anchor in kept)
        return StageCache((self.anchors[number], *older), previous)
