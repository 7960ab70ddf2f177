"""One stage on a batch: first block, test, the other blocks for the rows that miss, residuals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from h2cache.family import Conditioning, Stage, Streams
from h2cache.gate import StageRule, Verdict, judge_rows
from h2cache.state import StageCache
from h2cache.summary import summarize


@dataclass(frozen=True, slots=True)
class StageRun:
    """The streams after the stage, and each row's new state and verdict."""

    streams: Streams
    caches: tuple[StageCache, ...]
    verdicts: tuple[Verdict, ...]


def run_stage(
    stage: Stage,
    before: Streams,
    conditioning: Conditioning,
    caches: Sequence[StageCache],
    rules: Sequence[StageRule],
) -> StageRun:
    """Rows that hit leave the batch after the first block; what a row gets does not depend on the others."""
    after = stage.blocks[0](before, conditioning)
    summaries, verdicts = _test(stage, before, after, caches, rules)
    missed = [row for row, verdict in enumerate(verdicts) if not verdict.hit]
    new = [replace(cache, consecutive=cache.consecutive + 1) for cache in caches]
    if not missed:
        _reuse(after, caches, range(len(caches)))
        return StageRun(after, tuple(new), tuple(verdicts))
    index = None if len(missed) == len(rules) else torch.tensor(missed, device=after.img.device)
    start = after if index is None else after.rows(index)
    rest = _run_rest(stage, start, conditioning if index is None else conditioning.rows(index))
    for place, row in enumerate(missed):
        keeps = rules[row].stores and verdicts[row].finite
        new[row] = _computed(summaries[row], start, rest, place) if keeps else StageCache()
    if index is not None:
        _reuse(after, caches, [row for row, verdict in enumerate(verdicts) if verdict.hit])
        rest = Streams(after.txt.index_copy_(0, index, rest.txt), after.img.index_copy_(0, index, rest.img))
    return StageRun(rest, tuple(new), tuple(verdicts))


def _test(
    stage: Stage, before: Streams, after: Streams, caches: Sequence[StageCache], rules: Sequence[StageRule]
) -> tuple[dict[int, Tensor], list[Verdict]]:
    """Summaries and verdicts of the rows that are tested; the others are forced to hit, or uncached and miss."""
    tested = [row for row, rule in enumerate(rules) if rule.stores and not rule.forced]
    verdicts = [Verdict(hit=rule.forced) for rule in rules]
    if not tested:
        return {}, verdicts
    if len(tested) < len(rules):
        index = torch.tensor(tested, device=after.img.device)
        before, after = before.rows(index), after.rows(index)
    new = summarize(stage.signal(before, after), stage.pool_size)
    judged = judge_rows([caches[row].summary for row in tested], new, [rules[row] for row in tested])
    for row, verdict in zip(tested, judged, strict=True):
        verdicts[row] = verdict
    return dict(zip(tested, new, strict=True)), verdicts


def _run_rest(stage: Stage, streams: Streams, conditioning: Conditioning) -> Streams:
    for block in stage.blocks[1:]:
        streams = block(streams, conditioning)
    return streams


def _computed(summary: Tensor, start: Streams, rest: Streams, place: int) -> StageCache:
    """The row's own tensors: a view would keep the whole batch's memory alive."""
    txt, img = rest.txt[place] - start.txt[place], rest.img[place] - start.img[place]
    return StageCache(summary.clone(), (txt, img))


def _reuse(after: Streams, caches: Sequence[StageCache], rows: Iterable[int]) -> None:
    """Add remembered residuals to the first block's fresh output, in place: nobody else holds it."""
    for row in rows:
        txt, img = caches[row].residual
        after.txt[row].add_(txt)
        after.img[row].add_(img)
