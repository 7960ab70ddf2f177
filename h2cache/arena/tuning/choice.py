"""Which of a rival's trials are run on the reporting prompts: its best ones, from little work to much."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from h2cache.arena.tuning.trials import Trial

SHARES = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)
"""Of FLOPs; of the best trials the nearest one to each is chosen."""


def choose(trials: Iterable[Trial]) -> Mapping[str, tuple[str, ...]]:
    """Labels by method, by rising work: at most one a share. All trials are of one number of steps."""
    of_method: defaultdict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        of_method[trial.method].append(trial)
    return {method: _nearest(best(own)) for method, own in of_method.items()}


def best(trials: Sequence[Trial]) -> list[Trial]:
    """Those that no other beats with as little work, by rising work."""
    kept: list[Trial] = []
    for trial in sorted(trials, key=lambda one: (one.flops_ratio, -one.psnr)):
        if not kept or trial.psnr > kept[-1].psnr:
            kept.append(trial)
    return kept


def _nearest(front: Sequence[Trial]) -> tuple[str, ...]:
    found = (min(front, key=lambda one: abs(one.flops_ratio - share)).setting for share in SHARES)
    return tuple(dict.fromkeys(found))
