"""When a stage may be reused: pure rules on one sample's numbers, and the one test on the batch's distances."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from h2cache.state import SampleCache
from h2cache.summary import mean_abs


@dataclass(frozen=True, slots=True)
class StageRule:
    """What is asked of one row's stage in this step.

    ``forced``: reuse without a test. Otherwise reuse when the distance is strictly below ``tau``, which is 0 where
    the stage has to compute. ``stores``: remember what is computed.
    """

    tau: float
    forced: bool = False
    stores: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the test said of one row."""

    hit: bool
    distance: float | None = None
    finite: bool = True


OFF = StageRule(tau=0.0, stores=False)
COMPUTE = StageRule(tau=0.0)


def structure_rule(cache: SampleCache) -> StageRule:
    """The rule of the double-stream blocks.

    A step at which detail has reached its cap cannot be a structure hit, which would reuse both.
    """
    if cache.settings is None or cache.nonfinite:
        return OFF
    if _is_guarded(cache) or _is_capped(cache, cache.structure.consecutive) or _detail_is_capped(cache):
        return COMPUTE
    return StageRule(cache.settings.tau1)


def detail_rule(cache: SampleCache, structure: Verdict) -> StageRule:
    """The rule of the single-stream blocks: a structure hit forces a hit, else tau2 decides."""
    if cache.settings is None or cache.nonfinite or not structure.finite:
        return OFF
    if structure.hit:
        return StageRule(cache.settings.tau2, forced=True)
    if _is_guarded(cache) or _detail_is_capped(cache):
        return COMPUTE
    return StageRule(cache.settings.tau2)


def _is_guarded(cache: SampleCache) -> bool:
    """True in the warm-up, and in the last step where that is to be full."""
    assert cache.settings is not None
    is_last = cache.step_index == cache.num_steps - 1
    return cache.step_index < cache.settings.warmup or (cache.settings.last_full and is_last)


def _is_capped(cache: SampleCache, consecutive: int) -> bool:
    assert cache.settings is not None
    cap = cache.settings.max_consecutive
    return cap is not None and consecutive >= cap


def _detail_is_capped(cache: SampleCache) -> bool:
    return _is_capped(cache, cache.detail.consecutive)


def judge_rows(old: Sequence[Tensor | None], new: Tensor, rules: Sequence[StageRule]) -> list[Verdict]:
    """Summaries of the last computed step, (n, c) a row or None, against this step's (B, n, c).

    NaN is below nothing. A row is finite when its new summary is: then its mean distance from the old one (from
    zero where there is none) is a finite number.
    """
    before = torch.stack(
        [torch.zeros_like(row) if known is None else known for known, row in zip(old, new, strict=True)]
    )
    change = mean_abs(before - new)
    distance = change / mean_abs(before)
    below = distance < torch.tensor([rule.tau for rule in rules], device=new.device)
    # The one host-device synchronisation of the stage: which rows leave the batch decides the shapes that follow.
    read = torch.stack([distance, below, change]).tolist()
    return [
        Verdict(bool(hit), None if known is None else far, math.isfinite(size))
        for known, far, hit, size in zip(old, *read, strict=True)
    ]
