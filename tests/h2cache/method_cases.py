"""Each method with parameters, as the library takes them and as its formulas do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from h2cache import method
from tests.h2cache import plain
from tests.h2cache.samples import Request, Shape

SHAPE, STEPS = Shape(3, 4, 2), 9
RATIOS = (1.0, 1.3, 0.9, 1.05, 0.97, 1.2, 0.8)


@dataclass(frozen=True)
class Case:
    """A method with parameters, as the library and as the formulas have it."""

    name: str
    parameters: dict[str, Any]
    formulas: Callable[[], Any]

    def request(self, num_steps: int, seed: int) -> Request:
        return Request(method(self.name, self.parameters), num_steps, seed)


THRESHOLDS = st.integers(0, 600).map(lambda thousandths: thousandths / 1000)


def fbcache(threshold: float) -> Case:
    return Case("fbcache", {"threshold": threshold}, lambda: plain.fbcache(threshold))


def fbcache_taylor(threshold: float) -> Case:
    return Case("fbcache-taylor", {"threshold": threshold}, lambda: plain.fbcache(threshold, taylor=1))


def dbcache(threshold: float, first: int, last: int, warmup: int) -> Case:
    """On 5 blocks 12 and 23 of FLUX.1's 57 are 1 and 2."""
    parameters = {"threshold": threshold, "first": 12 * first, "last": 12 * last, "warmup": warmup}
    return Case("dbcache", parameters, lambda: plain.fbcache(threshold, first, last, warmup))


def teacache(threshold: float, scale: float) -> Case:
    polynomial = tuple(scale * c for c in (2.0, -0.5, 1.0, 0.01))
    parameters = {"threshold": threshold, "polynomial": polynomial}
    return Case("teacache", parameters, lambda: plain.teacache(threshold, polynomial))


def dicache(threshold: float, depth: int, most: float) -> Case:
    parameters = {"threshold": threshold, "depth": 1 if depth == 1 else 12 * depth, "most": most}
    return Case("dicache", parameters, lambda: plain.dicache(threshold, depth, most, 0.2))


def magcache(threshold: float, max_skips: int, share: float) -> Case:
    parameters = {"threshold": threshold, "max_skips": max_skips, "warmup_share": share, "ratios": RATIOS}
    return Case("magcache", parameters, lambda: plain.magcache(threshold, max_skips, share, RATIOS))


def taylorseer(every: int, order: int, offset: int, warmup: int) -> Case:
    parameters = {"every": every, "order": order, "offset": offset, "warmup": warmup}
    return Case("taylorseer", parameters, lambda: plain.taylorseer(every, order, offset, warmup))


def seacache(threshold: float, power: float) -> Case:
    parameters = {"threshold": threshold, "power": power}
    return Case("seacache", parameters, lambda: plain.seacache(threshold, power, SHAPE.rows, SHAPE.columns))


def hicache(every: int, order: int, scale: float, warmup: int) -> Case:
    parameters = {"every": every, "order": order, "scale": scale, "warmup": warmup}
    return Case("hicache", parameters, lambda: plain.hicache(every, order, scale, warmup))


def freqca(every: int, order: int, scale: float, cutoff: float, warmup: int) -> Case:
    parameters = {"every": every, "order": order, "scale": scale, "cutoff": cutoff, "warmup": warmup}
    grid = (SHAPE.rows, SHAPE.columns)
    return Case("freqca", parameters, lambda: plain.freqca(every, order, scale, cutoff, warmup, *grid))


def procache(pattern: str, order: int, warmup: int) -> Case:
    parameters = {"pattern": pattern, "order": order, "warmup": warmup}
    return Case("procache", parameters, lambda: plain.procache(pattern, order, warmup))


def sencache(threshold: float, start: float, max_skips: int, scale: float) -> Case:
    to_latents = tuple(scale * (1 + k % 3) for k in range(STEPS))
    to_time = tuple(scale * (2 - k % 2) for k in range(STEPS))
    parameters = {
        "threshold": threshold,
        "start": start,
        "max_skips": max_skips,
        "to_latents": to_latents,
        "to_time": to_time,
        "times": tuple(1 - k / STEPS for k in range(STEPS)),
    }
    return Case("sencache", parameters, lambda: plain.sencache(threshold, start, max_skips, to_latents, to_time))


def ertacache_like(pattern: str, gain: float) -> Case:
    gains = tuple(gain**k for k in range(STEPS))
    parameters = {"pattern": pattern, "gains": gains}
    return Case("ertacache-like", parameters, lambda: plain.ertacache_like(pattern, gains))


def default(tau1: float, tau2: float, order: int) -> Case:
    parameters = {"tau1": tau1, "tau2": tau2, "order": order}
    return Case("default", parameters, lambda: plain.default(tau1, tau2, order))


def mask(steps: str) -> Case:
    return Case("mask", {"steps": steps}, lambda: plain.mask(steps))


PATTERNS = st.text("01", min_size=9, max_size=9)
CASES = st.one_of(
    st.builds(fbcache, THRESHOLDS),
    st.builds(fbcache_taylor, THRESHOLDS),
    st.builds(dbcache, THRESHOLDS, st.integers(1, 2), st.integers(0, 2), st.integers(0, 3)),
    st.builds(teacache, THRESHOLDS, st.floats(0.2, 2.0)),
    st.builds(dicache, THRESHOLDS, st.integers(1, 2), st.floats(1.0, 2.5)),
    st.builds(magcache, THRESHOLDS, st.integers(0, 4), st.floats(0.0, 1.0)),
    st.builds(seacache, st.floats(0.0, 3.0), st.floats(1.0, 3.0)),
    st.builds(taylorseer, st.integers(1, 4), st.integers(1, 2), st.integers(0, 4), st.integers(0, 3)),
    st.builds(hicache, st.integers(1, 4), st.integers(1, 2), st.floats(0.2, 1.0), st.integers(0, 4)),
    st.builds(
        freqca,
        st.integers(1, 4),
        st.integers(1, 2),
        st.floats(0.2, 1.0),
        # Frequencies of the grid lie at roots of whole numbers: a cutoff on one of them may fall to either side.
        st.sampled_from([0.0, 0.1, 0.3, 0.45, 0.7, 1.1]),
        st.integers(0, 4),
    ),
    st.builds(procache, PATTERNS, st.integers(1, 2), st.integers(0, 4)),
    st.builds(sencache, THRESHOLDS, THRESHOLDS, st.integers(0, 4), st.floats(0.2, 2.0)),
    st.builds(ertacache_like, PATTERNS, st.floats(0.9, 1.1)),
    st.builds(
        default,
        # Not where a stretch ends at a step to the last digit, which may fall to either side.
        THRESHOLDS.map(lambda tau: tau + 0.0003),
        THRESHOLDS.map(lambda tau: tau + 0.0003),
        st.integers(0, 4),
    ),
    st.builds(mask, PATTERNS),
)

EXAMPLES = [
    fbcache(0.25),
    fbcache_taylor(0.25),
    dbcache(0.3, 1, 1, 1),
    teacache(0.3, 0.3),
    dicache(0.5, 1, 1.5),
    magcache(0.5, 2, 0.1),
    seacache(1.0, 2.0),
    taylorseer(3, 2, 2, 2),
    hicache(3, 2, 0.5, 2),
    freqca(3, 2, 0.7, 0.3, 2),
    procache("001101101", 2, 2),
    sencache(0.5, 0.1, 2, 1.0),
    ertacache_like("001101101", 1.02),
    mask("001101101"),
    default(0.3, 0.4, 1),
    Case("paper", {"tau1": 0.25, "tau2": 0.3}, lambda: None),
]
BLIND = {"magcache", "taylorseer", "hicache", "freqca", "procache", "ertacache-like", "mask"}
"""They measure nothing."""
