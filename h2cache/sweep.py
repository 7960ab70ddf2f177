"""The blocks of a step, first to last: samples leave where a stage is reused and return at its end."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from h2cache.decide import decide
from h2cache.family import Conditioning, FluxModel, Streams
from h2cache.method import Reused
from h2cache.sample_step import SampleStep, Snapshot
from h2cache.summary import View


class Sweep:
    """Lives for one step. ``now`` has the samples under way; those away skip blocks, and have what is put in."""

    def __init__(
        self,
        model: FluxModel,
        streams: Streams,
        conditioning: Conditioning,
        view: View,
        steps: Sequence[SampleStep],
    ) -> None:
        self._model, self._conditioning, self._view, self._steps = model, conditioning, view, steps
        self.now = Snapshot(tuple(range(len(steps))), streams)
        self._away: dict[int, tuple[Tensor, Tensor]] = {}
        self._back: dict[int, tuple[Tensor, Tensor]] = {}
        self._starts: dict[int, Snapshot] = {}
        self._bases: dict[tuple[int, int], Snapshot] = {}

    def run(self) -> None:
        """Go from border to border: decide where a probe ends, end stages, run the blocks in between."""
        end = len(self._model.blocks)
        borders = {0, end}
        for step in self._steps:
            borders.update(*((span.start, span.probe_end, span.end) for span in step.spans))
        for border, following in pairwise([*sorted(borders), end]):
            self._starts[border] = self.now
            for number in range(max(step.num_stages for step in self._steps)):
                self._decide(number, border)
                self._end(number, border)
            self._run_blocks(border, following)

    def _decide(self, number: int, border: int) -> None:
        """Where the probe of a stage ends: who reuses leaves, who computes will be held against here."""
        steps = [step for step in self._steps if step.has(number) and step.spans[number].probe_end == border]
        if not steps:
            return
        undecided = [step for step in steps if len(step.verdicts) == number]
        if undecided:
            decide(self._model, self._conditioning, self._view, number, undecided, self.now, self._starts)
        for step in steps:
            start = self._starts[step.spans[number].start]
            if step.verdicts[number].reused:
                self._away[step.row] = step.filled(number, self.now, start)
            else:
                is_rest = step.stage(number).reused is Reused.REST
                self._bases[step.row, number] = self.now if is_rest else start
        self._regroup()

    def _end(self, number: int, border: int) -> None:
        """Where a stage ends: who was away returns, who computed remembers."""
        steps = [step for step in self._steps if step.has(number) and step.spans[number].end == border]
        for step in steps:
            if step.verdicts[number].reused:
                self._back[step.row] = self._away.pop(step.row)
        self._regroup()
        is_last = border == len(self._model.blocks)
        for step in steps:
            if step.verdicts[number].stores and not step.stage(number).reused.is_velocity:
                step.remember(number, self._bases[step.row, number], self.now, is_last)
        if steps:
            self._starts[border] = self.now

    def _run_blocks(self, first: int, end: int) -> None:
        if not self.now.order:
            return
        streams, conditioning = self.now.streams, self._conditioning.rows(self.now.order)
        for block in self._model.blocks[first:end]:
            streams = block(streams, conditioning)
        self.now = Snapshot(self.now.order, streams)

    def _regroup(self) -> None:
        """Put the samples under way into one batch, after some have left or returned."""
        order = tuple(step.row for step in self._steps if step.row not in self._away)
        if order == self.now.order:
            return
        rows = [self._back.pop(row) if row in self._back else self.now.both(row) for row in order]
        streams = _stacked(rows) if rows else self.now.streams
        self.now = Snapshot(order, streams)


def _stacked(rows: Sequence[tuple[Tensor, Tensor]]) -> Streams:
    """Text and image of some samples as a batch; one alone is not copied, since nothing changes streams."""
    if len(rows) == 1:
        return Streams(rows[0][0].unsqueeze(0), rows[0][1].unsqueeze(0))
    txt, img = zip(*rows, strict=True)
    return Streams(torch.stack(txt), torch.stack(img))
