"""What is summed up over the jobs of one threshold pair."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from server.pair_stats.quantiles import Durations
from server.request import CacheCounts


@dataclass
class Figures:
    """Sums over ``count`` jobs; steps and blocks are those of all their images."""

    count: int = 0
    full: int = 0
    detail_hits: int = 0
    structure_hits: int = 0
    blocks_run: int = 0
    blocks_total: int = 0
    seconds: float = 0.0
    durations: Durations = field(default_factory=Durations)

    def add(self, counts: Sequence[CacheCounts], seconds: float) -> None:
        """One more job."""
        self.count += 1
        for name in ("full", "detail_hits", "structure_hits", "blocks_run", "blocks_total"):
            setattr(self, name, getattr(self, name) + sum(getattr(count, name) for count in counts))
        self.seconds += seconds
        self.durations.add(seconds)

    def merge(self, other: "Figures") -> None:
        """All of the other's jobs."""
        for item in fields(self):
            if item.name != "durations":
                setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))
        self.durations.merge(other.durations)

    @property
    def skip_share(self) -> float:
        """Share of all blocks that were skipped, 0 before the first job."""
        return 1 - self.blocks_run / self.blocks_total if self.blocks_total else 0.0

    @property
    def mean_s(self) -> float | None:
        """Mean seconds a job, None before the first."""
        return self.seconds / self.count if self.count else None
