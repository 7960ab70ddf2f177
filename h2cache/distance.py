"""How far each sample's first-block residual has moved since its last computed step, and whether that is a hit."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from h2cache.gate import StageRule, Verdict
from h2cache.state import StepMemory
from h2cache.summary import mean_abs
from h2cache.transfer import read, upload


def judge_rows(
    memories: Sequence[StepMemory | None],
    summaries: Tensor,
    rules: Sequence[StageRule],
    marks: Sequence[Tensor | None],
) -> list[Verdict]:
    """The distances d = mean|P(r_old) - P(r)| / mean|P(r_old)| of B samples against their thresholds: d < tau.

    ``summaries`` (B, n, c) float32 are this step's P(r), ``memories`` what is known of the last computed step.
    ``marks`` are scalars that have to be finite too. Without an old summary, or with an all-zero one, there is no
    distance and no hit; NaN is below nothing.
    """
    nothing = summaries.new_zeros(())
    old = [torch.zeros_like(summaries[0]) if known is None else known.summary for known in memories]
    scale = torch.stack([nothing if known is None else known.scale for known in memories])
    mark = torch.stack([nothing if mark is None else mark for mark in marks])
    change = mean_abs(summaries - torch.stack(old))
    distance = change / scale
    thresholds = upload([rule.tau for rule in rules], torch.float32, summaries.device)
    # The one synchronisation of the stage: which rows leave the batch decides the shapes that follow.
    distances, below, sums = read(torch.stack([distance, distance < thresholds, change + scale + mark]))
    return [_verdict(*row) for row in zip(distances, below, sums, strict=True)]


def _verdict(distance: float, below: float, checked: float) -> Verdict:
    finite = math.isfinite(checked)
    return Verdict(bool(below) and finite, distance if math.isfinite(distance) else None, finite)
