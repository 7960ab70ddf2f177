"""What it costs to put an earlier step's value in at a later one, for all pairs of steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from h2cache.arena.calibration.trajectory import Trajectory, change

Pairs = npt.NDArray[np.float64]
"""(N, N): of an earlier step j and a later one k, at [j, k]."""


@dataclass(frozen=True)
class Errors:
    """Of the velocity less the latents: ``over_latents`` are relative L1 errors, means over runs.

    ``gains`` are the factors that bring the earlier value nearest, by least squares over all runs.
    """

    over_latents: Pairs
    gains: Pairs


def errors_of(runs: Sequence[Trajectory]) -> Errors:
    """Of all pairs of steps."""
    over = [[f.velocity - x for f, x in zip(run.forwards, run.latents, strict=True)] for run in runs]
    products = sum(_pairs(values, _product) for values in over)
    squares = np.array([sum(_product(values[j], values[j]) for values in over) for j in range(len(over[0]))])
    return Errors(
        np.mean([_pairs(values, change) for values in over], 0),
        products / squares[:, None],
    )


def _pairs(values: Sequence[Tensor], compare: Callable[[Tensor, Tensor], float]) -> Pairs:
    found = np.zeros((len(values), len(values)))
    for k, now in enumerate(values):
        for j in range(k):
            found[j, k] = compare(values[j], now)
    return found


def _product(one: Tensor, other: Tensor) -> float:
    return float((one.float() * other.float()).sum())
