"""Numbers a step, and a polynomial: means over uncached runs."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean

import numpy as np

from h2cache.arena.calibration.trajectory import Trajectory, change

DEGREE = 4


def polynomial(runs: Sequence[Trajectory]) -> list[float]:
    """TeaCache's (arXiv 2411.19108): from the change of the modulated input to that of the velocity.

    By least squares, highest power first; of a lower degree where there are too few steps for five coefficients.
    """
    pairs = [
        (change(new.modulated, old.modulated), change(new.velocity, old.velocity))
        for run in runs
        for old, new in pairwise(run.forwards)
    ]
    told = np.array(pairs, np.float64).reshape(-1, 2)
    powers = np.vander(told[:, 0], min(DEGREE + 1, len(told)))
    return [float(c) for c in np.linalg.lstsq(powers, told[:, 1])[0]]


def ratios(runs: Sequence[Trajectory]) -> list[float]:
    """MagCache's (arXiv 2506.09045): mean size of the tokens' residuals over the step before's, first 1."""
    found = []
    for run in runs:
        sizes = [forward.residual.float().norm(dim=-1) for forward in run.forwards]
        found.append([1.0, *(float((new / old).mean()) for old, new in pairwise(sizes))])
    return means(found)


def means(rows: Sequence[Sequence[float]]) -> list[float]:
    """Place by place."""
    return [mean(column) for column in zip(*rows, strict=True)]
