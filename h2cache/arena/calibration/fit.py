"""All fits of one model at one number of steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np
from torch import Tensor

from h2cache.arena.calibration import tables
from h2cache.arena.calibration.errors import Errors, errors_of
from h2cache.arena.calibration.schedules import non_increasing, reuse_below, shortest_path
from h2cache.arena.calibration.trajectory import change, walk
from h2cache.arena.prompts import hash_of
from h2cache.arena.studio import Studio
from h2cache.fills.taylor import expanded

PROMPTS = 8
"""So many of the tuning prompts are run, each with seed 0."""
TRIES = 200
CHANGES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8)
"""ERTACache's threshold on the error; its authors' for FLUX.1-dev is 0.6."""
SHARES = (0.16, 0.2, 0.25, 0.3, 0.36, 0.44, 0.54, 0.66)
"""Of the steps that a searched schedule computes."""
PROCACHE_WARMUP, PROCACHE_ORDER = 3, 2


@dataclass(frozen=True)
class Fit:
    """What was found; ``rectified`` has ERTACache's threshold, schedule and gains, the others computed steps.

    ``tuning`` has the hashes of the prompts that it was fitted on: none of them may be reported on.
    """

    model: str
    steps: int
    tuning: tuple[str, ...]
    polynomial: tuple[float, ...]
    ratios: tuple[float, ...]
    to_latents: tuple[float, ...]
    to_time: tuple[float, ...]
    times: tuple[float, ...]
    rectified: tuple[tuple[float, str, tuple[float, ...]], ...]
    non_increasing: tuple[tuple[int, str], ...]
    masks: tuple[tuple[int, str], ...]


def calibrate(
    studio: Studio, name: str, prompts: Sequence[str], steps: int, told: Callable[[int], None] = lambda done: None
) -> Fit:
    """Run the first prompts uncached and fit everything; ``told`` hears of each run."""
    runs = []
    for prompt in prompts[:PROMPTS]:
        runs.append(walk(studio, prompt, 0, steps))
        told(1)
    errors, counts = errors_of(runs), sorted({max(1, round(share * steps)) for share in SHARES})
    sigmas = np.array(runs[0].sigmas)
    weights = np.abs(np.diff(sigmas))
    velocities = [[forward.velocity for forward in run.forwards] for run in runs]

    def cost(pattern: str) -> float:
        return mean(forecast_error(values, weights, pattern) for values in velocities)

    return Fit(
        name,
        steps,
        tuning_of(prompts),
        tuple(tables.polynomial(runs)),
        tuple(tables.ratios(runs)),
        tuple(tables.means([run.to_latents for run in runs])),
        tuple(tables.means([run.to_time for run in runs])),
        tuple(map(float, sigmas[:-1])),
        tuple(rectified(errors, threshold) for threshold in CHANGES),
        tuple((n, non_increasing(steps, n, TRIES, cost)) for n in counts if 2 * n <= steps),
        tuple((n, shortest_path(errors.over_latents, weights, n)) for n in counts),
    )


def tuning_of(prompts: Sequence[str]) -> tuple[str, ...]:
    """The hashes of those that are run."""
    return tuple(hash_of(prompt) for prompt in prompts[:PROMPTS])


def rectified(errors: Errors, threshold: float) -> tuple[float, str, tuple[float, ...]]:
    """A schedule, and the gain of each reused step; 1 where it is computed."""
    pattern, gains, anchor = reuse_below(errors.over_latents, threshold), [], 0
    for step, letter in enumerate(pattern):
        anchor = step if letter == "0" else anchor
        gains.append(1.0 if letter == "0" else float(errors.gains[anchor, step]))
    return threshold, pattern, tuple(gains)


def forecast_error(
    velocities: Sequence[Tensor], weights: np.ndarray[tuple[int], np.dtype[np.float64]], pattern: str
) -> float:
    """The sum of a schedule's errors along an uncached run, where ProCache's authors run each schedule."""
    since, computed, total = max(0, PROCACHE_WARMUP - 2), list[int](), 0.0
    for step, letter in enumerate(pattern):
        if letter == "0" or step < PROCACHE_WARMUP:
            computed = [step, *computed][: PROCACHE_ORDER + 1]
            continue
        known = [computed[0], *(k for k in computed[1:] if k >= since)]
        ahead = step - known[0]
        factors = [1.0, float(ahead), ahead**2 / 2][: len(known)]
        guess = sum(w * velocities[k] for w, k in zip(expanded(known, factors), known, strict=True))
        assert isinstance(guess, Tensor)
        total += weights[step] * change(guess, velocities[step])
    return total
