"""Fixed schedules, a letter a step, 1 reuses: three ways to find one."""

import random
from collections.abc import Callable, Sequence
from math import inf

import numpy as np
import numpy.typing as npt

from h2cache.arena.calibration.errors import Pairs

Weights = npt.NDArray[np.float64]


def written(computed: Sequence[int], steps: int) -> str:
    """The schedule in which these steps are computed."""
    return "".join("0" if step in computed else "1" for step in range(steps))


def reuse_below(errors: Pairs, threshold: float) -> str:
    """ERTACache's policy (arXiv 2508.21091): reuse where the error from the last computed step is below it."""
    computed = [0]
    for step in range(1, len(errors)):
        if errors[computed[-1], step] >= threshold:
            computed.append(step)
    return written(computed, len(errors))


def shortest_path(errors: Pairs, weights: Weights, count: int) -> str:
    """The schedule of ``count`` computed steps with the least sum of errors, each times the size of its step.

    By dynamic programming over which step is computed next, as BudCache and MeanCache search theirs.
    """
    steps = len(errors)
    count = min(max(count, 1), steps)
    weighted = np.triu(errors * weights, 1)
    gap = np.concatenate([np.zeros((steps, 1)), np.cumsum(weighted, 1)], 1)  # [j, k]: reusing j up to before k
    best = np.full((count + 1, steps + 1), inf)
    before = np.zeros((count + 1, steps + 1), int)
    best[1, 0] = 0.0
    for used in range(2, count + 1):
        for step in range(1, steps):
            costs = best[used - 1, :step] + gap[:step, step]
            before[used, step], best[used, step] = int(costs.argmin()), costs.min()
    last = int((best[count, :steps] + gap[:, steps]).argmin())
    computed = [last]
    for used in range(count, 1, -1):
        computed.append(int(before[used, computed[-1]]))
    return written(computed, steps)


def non_increasing(steps: int, count: int, tries: int, cost: Callable[[str], float]) -> str:
    """ProCache's search (arXiv 2512.17298): of random schedules whose gaps never grow, the one of least cost.

    Of so many tries; each has ``count`` computed steps, and where that is possible at least one reused after each.
    """
    draw = random.Random(0)
    least = 2 if 2 * count <= steps else 1
    found = set()
    for _ in range(tries):
        free = steps - least * count
        cuts = sorted(draw.randint(0, free) for _ in range(count - 1))
        lengths = sorted((b - a for a, b in zip([0, *cuts], [*cuts, free], strict=True)), reverse=True)
        found.add("".join("0" + "1" * (least + more - 1) for more in lengths))
    return min(sorted(found), key=cost)
