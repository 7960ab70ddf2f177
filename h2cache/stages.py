"""One stage on a batch: first block, test, the other blocks for rows that miss, residuals for those that hit."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from h2cache.distance import judge_rows
from h2cache.family import Conditioning, Stage, Streams
from h2cache.gate import StageRule, Verdict
from h2cache.state import StageCache, StepMemory
from h2cache.summary import mean_abs, summarize
from h2cache.transfer import upload


@dataclass(frozen=True, slots=True)
class StageRun:
    """The streams after the stage, and each sample's new state and verdict."""

    streams: Streams
    caches: tuple[StageCache, ...]
    verdicts: tuple[Verdict, ...]


def run_stage(
    stage: Stage,
    before: Streams,
    conditioning: Conditioning,
    caches: Sequence[StageCache],
    rules: Sequence[StageRule],
    marks: Sequence[Tensor | None],
) -> StageRun:
    """Both stages are run by this. Rows that hit leave the batch after the first block.

    What a sample decides and gets does not depend on its neighbours; ``caches`` and their tensors stay as they
    are. ``marks`` are scalars of each sample that have to be finite too, if it is to hit.
    """
    after = stage.blocks[0](before, conditioning)
    summaries, verdicts = _test(stage, before, after, caches, rules, marks)
    new = [cache.reused() for cache in caches]
    missed = [row for row, verdict in enumerate(verdicts) if not verdict.hit]
    index = None
    if 0 < len(missed) < len(rules):
        index = upload(missed, torch.int64, after.img.device)
        start, conditioning = after.rows(index), conditioning.rows(index)
    else:
        start = after
    streams = _run_rest(stage, start, conditioning) if missed else after
    for place, row in enumerate(missed):
        keeps = rules[row].stores and verdicts[row].finite
        new[row] = StageCache(_remember(summaries[row], start, streams, place) if keeps else None)
    if index is not None:
        streams = _put_back(after, index, streams)
    for row, verdict in enumerate(verdicts):
        if verdict.hit:
            _reuse(streams, row, caches[row])
    return StageRun(streams, tuple(new), tuple(verdicts))


def _test(
    stage: Stage,
    before: Streams,
    after: Streams,
    caches: Sequence[StageCache],
    rules: Sequence[StageRule],
    marks: Sequence[Tensor | None],
) -> tuple[dict[int, Tensor], list[Verdict]]:
    """Summaries and verdicts of the rows that are tested; of the others, forced ones hit, uncached ones miss."""
    verdicts = [Verdict(hit=rule.forced) for rule in rules]
    tested = [row for row, rule in enumerate(rules) if rule.is_tested]
    if not tested:
        return {}, verdicts
    summaries = summarize(stage.signal(before, after), stage.pool_size)
    if len(tested) < len(rules):
        summaries = summaries.index_select(0, upload(tested, torch.int64, summaries.device))
    judged = judge_rows(
        [caches[row].memory for row in tested],
        summaries,
        [rules[row] for row in tested],
        [marks[row] for row in tested],
    )
    for row, verdict in zip(tested, judged, strict=True):
        verdicts[row] = verdict
    return dict(zip(tested, summaries, strict=True)), verdicts


def _run_rest(stage: Stage, streams: Streams, conditioning: Conditioning) -> Streams:
    for block in stage.blocks[1:]:
        streams = block(streams, conditioning)
    return streams


def _remember(summary: Tensor, start: Streams, end: Streams, place: int) -> StepMemory:
    """One computed sample's own tensors: views would keep the whole batch's memory alive.

    Residuals that are not finite make the scale NaN, so that the next test sees it without a read of its own.
    """
    txt, img = end.txt[place] - start.txt[place], end.img[place] - start.img[place]
    total = txt.sum(dtype=torch.float32) + img.sum(dtype=torch.float32)
    return StepMemory(summary.clone(), mean_abs(summary) + 0 * total, txt, img)


def _put_back(after: Streams, index: Tensor, computed: Streams) -> Streams:
    """The rows that missed among those that hit, in place: nobody else holds the first block's output."""
    return Streams(after.txt.index_copy_(0, index, computed.txt), after.img.index_copy_(0, index, computed.img))


def _reuse(streams: Streams, row: int, cache: StageCache) -> None:
    """Add the remembered residuals to one sample's first-block output, in place."""
    assert cache.memory is not None
    streams.txt[row].add_(cache.memory.txt)
    streams.img[row].add_(cache.memory.img)
