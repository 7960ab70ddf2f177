"""Which settings each method is run with: from careful to greedy, so that the curves overlap."""

from collections.abc import Mapping, Sequence
from typing import Any

from h2cache.arena.calibration.fit import Fit
from h2cache.arena.setting import Setting, grid, pairs
from h2cache.errors import H2CacheError
from h2cache.methods import MASK_29, MASK_37, PROCACHE_FLUX1

DEFAULT_PAIRS = (
    (0.015, 0.022),
    (0.025, 0.037),
    (0.04, 0.06),
    (0.06, 0.09),
    (0.085, 0.125),
    (0.11, 0.16),
    (0.15, 0.22),
    (0.2, 0.3),
)
PAPER_PAIRS = (
    (0.05, 0.05),
    (0.08, 0.1),
    (0.1, 0.1),
    (0.12, 0.15),
    (0.15, 0.22),
    (0.2, 0.25),
    (0.25, 0.35),
    (0.35, 0.5),
)
RESIDUAL_CHANGES = (0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4)
PROCACHE_DENSE = 8 * "011" + 13 * "01"
"""ProCache's other pattern for FLUX.1-dev at 50 steps (repository macovaseas/ProCache)."""
SENCACHE = tuple(
    Setting("sencache", (("threshold", threshold), ("start", start), ("max_skips", max_skips)))
    for threshold, start, max_skips in (
        (0.6, 0.005, 3),
        (0.3, 0.1, 4),
        (0.45, 0.2, 5),
        (0.6, 0.3, 6),
        (0.9, 0.6, 8),
        (1.2, 0.9, 10),
        (2.0, 1.2, 10),
        (3.6, 2.0, 12),
    )
)
"""First what is published for FLUX.1, last what takes little work; below 0.3 flux-nano computes every step."""
DBCACHE = (
    *grid("dbcache", "threshold", RESIDUAL_CHANGES),
    *grid("dbcache", "threshold", (0.12, 0.2), first=1, warmup=4, max_consecutive=4),
    *grid("dbcache", "threshold", (0.2, 0.4), warmup=4),
    *grid("dbcache", "threshold", (0.4,), warmup=2),
)
"""First with its authors' warm-up of 8 steps, then as in their own table for FLUX.1 (one block, 4 steps, at most 4
reused in a row), then with shorter warm-ups for the lower end of the work."""

SWEEPS: Mapping[str, tuple[Setting, ...]] = {
    "default": pairs("default", DEFAULT_PAIRS),
    "paper": pairs("paper", PAPER_PAIRS),
    "fbcache": grid("fbcache", "threshold", RESIDUAL_CHANGES),
    "fbcache-taylor": grid("fbcache-taylor", "threshold", RESIDUAL_CHANGES),
    "teacache": grid("teacache", "threshold", (0.05, 0.1, 0.25, 0.4, 0.6, 0.8, 1.2, 2.0)),
    "magcache": grid("magcache", "threshold", (0.01, 0.03, 0.06, 0.12, 0.24, 0.4, 0.8, 1.5)),
    "dicache": grid("dicache", "threshold", (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.9)),
    "seacache": grid("seacache", "threshold", (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9, 1.3)),
    "taylorseer": (
        *grid("taylorseer", "every", (2, 3, 4, 5, 6), order=1),
        *grid("taylorseer", "every", (3, 4, 6), order=2),
    ),
    "hicache": (
        *grid("hicache", "every", (2, 3, 4, 5, 6, 7), order=2),
        *grid("hicache", "every", (3, 5), order=1),
    ),
    "freqca": grid("freqca", "every", (2, 3, 4, 5, 6, 7, 9), order=2),
    "procache": (
        *grid("procache", "pattern", (PROCACHE_FLUX1, PROCACHE_DENSE), order=2),
        *grid("procache", "pattern", (PROCACHE_FLUX1, PROCACHE_DENSE), order=1),
    ),
    "sencache": (),  # it and the next one are nothing without a fit
    "ertacache-like": (),
    "dbcache": DBCACHE,
    "mask": grid("mask", "steps", (MASK_29, MASK_37)),
}


OWN_CHANGES = (0.03, 0.045, 0.06, 0.09, 0.13, 0.2, 0.3, 0.5)
"""Of flux-nano's velocity: a step changes it less than its authors' polynomial says of FLUX.1."""
FIT = ("fit", "own")
"""``ranking.FITTED`` in the label."""


def fitted(name: str, settings: Sequence[Setting], **found: Any) -> tuple[Setting, ...]:
    """Some settings with what was fitted in place of the authors' values."""
    return tuple(
        Setting(name, (*setting.parameters, *found.items()), (*setting.parameters, FIT)) for setting in settings
    )


def sweeps_of(fit: Fit) -> Mapping[str, tuple[Setting, ...]]:
    """More settings of the methods that are calibrated, with what a fit found."""
    tables = {"to_latents": fit.to_latents, "to_time": fit.to_time, "times": fit.times}
    return {
        "teacache": fitted("teacache", grid("teacache", "threshold", OWN_CHANGES), polynomial=fit.polynomial),
        "magcache": fitted("magcache", SWEEPS["magcache"], ratios=fit.ratios),
        "sencache": fitted("sencache", SENCACHE, **tables),
        "ertacache-like": tuple(
            Setting("ertacache-like", (("pattern", pattern), ("gains", gains)), (("change", change), FIT))
            for change, pattern, gains in fit.rectified
        ),
        "procache": tuple(
            Setting("procache", (("pattern", pattern),), (("computed", computed), FIT))
            for computed, pattern in fit.non_increasing
        ),
        "mask": tuple(
            Setting("mask", (("steps", pattern),), (("computed", computed), FIT))
            for computed, pattern in fit.masks
        ),
    }


def settings_of(names: Sequence[str], fit: Fit | None = None) -> list[Setting]:
    """The sweeps of some methods, and those with a fit. Raises H2CacheError for a name that is none."""
    own = {} if fit is None else sweeps_of(fit)
    for name in names:
        if name not in SWEEPS:
            raise H2CacheError(f"method is {name[:64]!r}, allowed are {', '.join(SWEEPS)}")
    return [setting for name in names for setting in (*SWEEPS[name], *own.get(name, ()))]
