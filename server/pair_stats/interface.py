"""What is kept of finished jobs by threshold pair, wherever it is kept."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from server.pair_stats.figures import Figures
from server.request import CacheChoice, CacheCounts

LISTED = 256
"""Pairs that have figures of their own."""
DIGITS = 4
"""Thresholds are told apart to 1e-4; closer ones do not differ in any figure."""


class PairKey(NamedTuple):
    """A preset's name or ``custom``, and the thresholds; None where the rule has none."""

    preset: str
    tau1: float | None
    tau2: float | None


@dataclass(frozen=True, slots=True)
class FinishedJob:
    """A finished job: whose, its rule, each image's counts, and the seconds from submission to the last image."""

    tenant: str
    key: PairKey
    counts: tuple[CacheCounts, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class PairReport:
    """``pairs`` in falling order of count; ``other`` is everything since ``since`` that is not among them."""

    since_s: float
    other: Figures
    pairs: tuple[tuple[PairKey, Figures], ...]


class PairStats(Protocol):
    """Fed by workers, read by APIs."""

    async def record(self, job: FinishedJob) -> None:
        """Count a job that ended with its images."""
        ...

    async def report(self, tenant: str | None = None) -> PairReport:
        """Of one tenant's jobs, or of all."""
        ...


def key_of(preset: str, choice: CacheChoice) -> PairKey:
    """``preset`` is the bounded name that the metrics use too."""
    if choice.tau1 is None or choice.tau2 is None:
        return PairKey(preset, None, None)
    return PairKey(preset, round(choice.tau1, DIGITS), round(choice.tau2, DIGITS))
