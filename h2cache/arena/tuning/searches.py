"""What is tried of each rival: some fifty settings, its guards and its other numbers included.

As many as ``default`` had (docs/experiments.md). ``mask`` is not searched, its fit is the best of all schedules by
what it minimises; of ``ertacache-like``, which has no guards, each schedule of the fit is tried with and without
gains.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from h2cache.arena.calibration.fit import Fit
from h2cache.arena.setting import Setting
from h2cache.arena.sweep import FIT

NOTHING: Mapping[str, Any] = {}
LAST = (False, True)


def searches_of(fit: Fit) -> Mapping[str, tuple[Setting, ...]]:
    """The settings of each rival, with the authors' coefficients and with those of a fit."""
    return {**thresholds(), **calibrated(fit), **schedules(fit)}


def every(
    name: str, axes: Mapping[str, Sequence[Any]], hidden: Mapping[str, Any] = NOTHING, **said: Any
) -> tuple[Setting, ...]:
    """All combinations of some values; ``hidden`` is what a fit found, ``said`` is what a label has of it."""
    found = []
    for values in product(*axes.values()):
        own = tuple(zip(axes, values, strict=True))
        shown = (*own, *said.items(), FIT) if hidden else None
        found.append(Setting(name, (*own, *hidden.items()), shown))
    return tuple(found)


def thresholds() -> Mapping[str, tuple[Setting, ...]]:
    """Of methods that nobody calibrates."""
    guards = {"warmup": (0, 2, 4), "last_full": LAST, "max_consecutive": (None, 3)}
    pairs = ((0.08, 0.1), (0.12, 0.15), (0.15, 0.22), (0.25, 0.35))
    shares = {"warmup_share": (0.0, 0.1, 0.2), "last_full": LAST}
    late = {"warmup": (1, 3), "last_full": LAST, "max_consecutive": (None, 3)}
    short = {"warmup": (0, 2), "last_full": LAST, "max_consecutive": (None, 3)}
    whole = {"warmup": (2, 4), "last": (0, 1), "max_consecutive": (None, 4)}
    return {
        "paper": tuple(
            each for tau1, tau2 in pairs for each in every("paper", {"tau1": (tau1,), "tau2": (tau2,), **guards})
        ),
        "fbcache": every("fbcache", {"threshold": (0.06, 0.1, 0.2, 0.35), **guards}),
        "fbcache-taylor": every("fbcache-taylor", {"threshold": (0.06, 0.12, 0.25), "order": (1, 2), **short}),
        "dicache": every("dicache", {"threshold": (0.1, 0.2, 0.3, 0.5), "most": (1.0, 1.5), **shares}),
        "seacache": every("seacache", {"threshold": (0.1, 0.3, 0.6), "power": (1.0, 2.0), **late}),
        "dbcache": every("dbcache", {"threshold": (0.1, 0.2, 0.4), "first": (1, 8), **whole}),
    }


def calibrated(fit: Fit) -> Mapping[str, tuple[Setting, ...]]:
    """Of methods that measure, with numbers from a calibration."""
    late = {"warmup": (1, 3), "last_full": LAST, "max_consecutive": (None, 3)}
    skips = {"threshold": (0.06, 0.15, 0.4), "max_skips": (2, 3, 5, 8), "warmup_share": (0.1, 0.2)}
    tables = {"to_latents": fit.to_latents, "to_time": fit.to_time, "times": fit.times}
    starts = {"start": (0.1, 0.4, 0.8, 1.6), "max_skips": (4, 8), "last_full": LAST}
    return {
        "teacache": (
            *every("teacache", {"threshold": (0.1, 0.4, 0.8), **late}),
            *every("teacache", {"threshold": (0.045, 0.09, 0.2), **late}, {"polynomial": fit.polynomial}),
        ),
        "magcache": (*every("magcache", skips), *every("magcache", skips, {"ratios": fit.ratios})),
        "sencache": every("sencache", {"threshold": (0.6, 1.2, 2.4), **starts}, tables),
    }


def schedules(fit: Fit) -> Mapping[str, tuple[Setting, ...]]:
    """Of methods whose steps are known beforehand."""
    orders = {"order": (1, 2)}
    waves = {"every": (2, 3, 4, 6), **orders, "warmup": (2, 3)}
    return {
        "taylorseer": every("taylorseer", {"every": (2, 3, 4, 5, 6, 7), **orders, "warmup": (1, 2, 3, 4)}),
        "hicache": every("hicache", {**waves, "scale": (0.3, 0.5, 0.7)}),
        "freqca": every("freqca", {**waves, "cutoff": (0.05, 0.1, 0.2)}),
        "procache": tuple(
            each
            for computed, pattern in fit.non_increasing
            for each in every("procache", {**orders, "warmup": (1, 2, 3)}, {"pattern": pattern}, computed=computed)
        ),
        "ertacache-like": tuple(
            each
            for change, pattern, gains in fit.rectified
            for known, said in ((gains, "own"), ((), "none"))
            for each in every(
                "ertacache-like", {}, {"pattern": pattern, "gains": known}, change=change, gains=said
            )
        ),
    }
