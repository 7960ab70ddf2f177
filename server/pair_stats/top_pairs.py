"""The pairs that are asked for most, by the space-saving algorithm. Pure: no clock, no store."""

from copy import deepcopy
from dataclasses import dataclass, field

from server.pair_stats.figures import Figures
from server.pair_stats.interface import LISTED, FinishedJob, PairKey, PairReport


@dataclass
class _Watched:
    """``rank`` is at least the pair's true count: a new pair starts with that of the one whose place it took."""

    rank: int
    figures: Figures = field(default_factory=Figures)


@dataclass
class TopPairs:
    """Metwally, Agrawal and El Abbadi, ICDT 2005, section 3.

    Of N jobs, each pair with more than N / ``listed`` of them is listed. A listed pair's figures are those of its
    jobs since it came on the list, none estimated; the jobs of a pair that leaves it go to ``other``, so that the
    sums over list and other are those of all jobs.
    """

    since_s: float
    listed: int = LISTED
    _watched: dict[PairKey, _Watched] = field(default_factory=dict)
    _other: Figures = field(default_factory=Figures)

    def record(self, job: FinishedJob) -> None:
        """Count one job."""
        watched = self._watched.get(job.key)
        if watched is None:
            watched = self._watched[job.key] = _Watched(self._place())
        watched.rank += 1
        watched.figures.add(job.counts, job.seconds)

    def report(self) -> PairReport:
        """A copy: what is recorded later does not change it."""
        listed = sorted(self._watched.items(), key=lambda item: -item[1].figures.count)
        pairs = tuple((key, deepcopy(watched.figures)) for key, watched in listed)
        return PairReport(self.since_s, deepcopy(self._other), pairs)

    def _place(self) -> int:
        """Make room when there is none; the rank that a new pair starts from."""
        if len(self._watched) < self.listed:
            return 0
        key = min(self._watched, key=lambda key: self._watched[key].rank)
        gone = self._watched.pop(key)
        self._other.merge(gone.figures)
        return gone.rank
