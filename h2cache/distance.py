"""How far samples have moved: distances of summaries, and the one read of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from h2cache.gate import Norm
from h2cache.state import Forecast, Reference
from h2cache.summary import mean_abs
from h2cache.transfer import read


@dataclass(frozen=True, slots=True)
class Measured:
    """One sample's distance, None where there is none; ``finite``: so is all that was looked at.

    Of a rate also the noise level ``sigma`` of the last computed step, and how far it has ``moved`` down since.
    """

    distance: float | None
    finite: bool
    sigma: float = 0.0
    moved: float = 0.0


def see(summaries: Tensor) -> list[Reference]:
    """Summaries (B, n, c) of a batch as what each sample may remember; the tensors are the samples' own."""
    scales = mean_abs(summaries)
    return [Reference(summary.clone(), scale.clone()) for summary, scale in zip(summaries, scales, strict=True)]


def distances(
    seen: Sequence[Reference],
    references: Sequence[Reference | None],
    marks: Sequence[Sequence[Tensor]],
    norm: Norm | None = Norm.RELATIVE_L1,
) -> Tensor:
    """The distances of B samples by ``norm``, and a number that is finite where all is: (2, B).

    ``marks`` are each sample's scalars that have to be finite too. Without a reference the distance is not finite.
    """
    new = torch.stack([each.summary for each in seen])
    old = torch.stack(
        [
            torch.zeros_like(now.summary) if known is None else known.summary
            for now, known in zip(seen, references, strict=True)
        ]
    )
    scale = torch.stack([new.new_zeros(()) if known is None else known.scale for known in references])
    mark = torch.stack([torch.stack([new.new_zeros(()), *row]).sum() for row in marks])
    change = mean_abs(new - old)
    # Without a reference scale is 0, and 0 / 0 keeps the root mean square from being finite.
    far = (new - old).square().mean((-2, -1)).sqrt() + 0 / scale if norm is Norm.RMS else change / scale
    return torch.stack([far, change + scale + mark])


def rates(known: Sequence[Forecast], sigmas: Sequence[Tensor], marks: Sequence[Sequence[Tensor]]) -> Tensor:
    """Rates of B samples as ``distances`` are; below them the noise level then, and how far down it is.

    (4, B); ``sigmas`` are those of this step. The rate is NaN where there was no forecast.
    """
    none = sigmas[0].new_full((), math.nan)
    rate = torch.stack([none if each.rate is None else each.rate for each in known])
    then = torch.stack([each.sigma for each in known])
    found = [row if each.rate is None else [*row, each.rate] for each, row in zip(known, marks, strict=True)]
    checked = torch.stack([torch.stack(list(row)).sum() for row in found])
    return torch.stack([rate, checked, then, then - torch.stack(list(sigmas))])


def read_all(tables: Sequence[Tensor]) -> list[Measured]:
    """Several tables (2 or 4, B) on the host. The one synchronisation: who leaves decides the shapes to come."""
    if not tables:
        return []
    most = max(len(table) for table in tables)
    level = [table if len(table) == most else F.pad(table, (0, 0, 0, most - len(table))) for table in tables]
    return [
        Measured(d if math.isfinite(d) else None, math.isfinite(c), *sigmas)
        for d, c, *sigmas in zip(*read(torch.cat(level, 1)), strict=True)
    ]
