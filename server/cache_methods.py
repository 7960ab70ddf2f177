"""The caching methods that a request can name, and what their parameters may be.

The API checks with this, without torch; the methods themselves are ``h2cache.methods``, and a test holds the two
tables against each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

HIGHEST = 1e6
LONGEST = 10**6
MOST_NUMBERS = 1000


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number within bounds."""

    low: float = 0.0
    high: float = HIGHEST


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    low: int = 0
    high: int = LONGEST


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A list of at least ``fewest`` finite numbers from ``low`` up."""

    low: float
    fewest: int


@dataclass(frozen=True, slots=True)
class Letters:
    """A text of 0s and 1s, a letter a step."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some words."""

    words: tuple[str, ...]


Parameter = Number | Whole | Flag | Numbers | Letters | OneOf

_GUARDS: Mapping[str, Parameter] = {"warmup": Whole(), "last_full": Flag(), "max_consecutive": Whole()}

CACHE_METHODS: Mapping[str, Mapping[str, Parameter]] = {
    "default": {
        "tau1": Number(),
        "tau2": Number(),
        "order": Whole(0, 4),
        **_GUARDS,
    },
    "paper": {"tau1": Number(), "tau2": Number(), **_GUARDS},
    "fbcache": {"threshold": Number(), "at": Flag(), **_GUARDS},
    "fbcache-taylor": {"threshold": Number(), "order": Whole(1, 2), **_GUARDS},
    "teacache": {"threshold": Number(), "polynomial": Numbers(-1e12, 0), **_GUARDS},
    "magcache": {
        "threshold": Number(),
        "max_skips": Whole(),
        "warmup_share": Number(0, 1),
        "ratios": Numbers(0, 1),
    },
    "taylorseer": {"every": Whole(1), "order": Whole(1, 2), "offset": Whole(), "warmup": Whole()},
    "hicache": {"every": Whole(1), "order": Whole(1, 2), "scale": Number(), "warmup": Whole()},
    "freqca": {
        "every": Whole(1),
        "order": Whole(1, 2),
        "scale": Number(),
        "cutoff": Number(),
        "warmup": Whole(),
    },
    "procache": {"pattern": Letters(), "order": Whole(1, 2), "warmup": Whole()},
    "sencache": {
        "to_latents": Numbers(0, 1),
        "to_time": Numbers(0, 1),
        "times": Numbers(0, 1),
        "threshold": Number(),
        "start": Number(),
        "max_skips": Whole(),
        "warmup": Whole(),
        "last_full": Flag(),
    },
    "ertacache-like": {"pattern": Letters(), "gains": Numbers(-1e6, 0)},
    "dicache": {
        "threshold": Number(),
        "depth": Whole(1, 57),
        "most": Number(1),
        "warmup": Whole(),
        "warmup_share": Number(0, 1),
        "last_full": Flag(),
    },
    "seacache": {"threshold": Number(), "power": Number(0, 100), **_GUARDS},
    "dbcache": {
        "threshold": Number(),
        "first": Whole(1, 57),
        "last": Whole(0, 57),
        "warmup": Whole(),
        "max_consecutive": Whole(),
    },
    "mask": {"steps": Letters()},
}
NEEDED: Mapping[str, tuple[str, ...]] = {
    "sencache": ("to_latents", "to_time", "times"),
    "ertacache-like": ("pattern",),
}
"""Parameters without a default."""
AS_LONG: Mapping[str, tuple[str, ...]] = {"sencache": ("to_latents", "to_time", "times")}
"""Lists that have to have as many numbers as the first one."""
