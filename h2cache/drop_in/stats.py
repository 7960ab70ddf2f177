"""What the cache did in the calls that a caller asks about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from os import PathLike

from h2cache.errors import H2CacheError
from h2cache.stats import Outcome, SampleStatistics, StepRecord


@dataclass(frozen=True, slots=True)
class SampleLog:
    """One sample of one call, or of one branch of it under true CFG: its row in the batch, and its steps."""

    row: int
    records: list[StepRecord] = field(default_factory=list)

    @property
    def outcomes(self) -> list[Outcome]:
        """What became of each step."""
        return [record.outcome for record in self.records]

    @property
    def statistics(self) -> SampleStatistics:
        """Sums over the steps."""
        return reduce(SampleStatistics.add, self.records, SampleStatistics())


class H2Stats:
    """Put into a call as ``{"h2cache": {..., "stats": stats}}``, it is filled step by step.

    ``samples`` are in the order in which they began: the rows of a batch, with true CFG first those of the
    conditional branch; a further call adds its own. Calls in several threads may share one.
    """

    def __init__(self) -> None:
        self.samples: list[SampleLog] = []

    def open(self, row: int) -> SampleLog:
        """A log for a sample that begins."""
        log = SampleLog(row)
        self.samples.append(log)
        return log

    @property
    def flops_ratio(self) -> float:
        """Share of the uncached blocks' FLOPs that was spent, over all steps; 1 before the first."""
        shares = [record.flops_share for log in self.samples for record in log.records]
        return sum(shares) / len(shares) if shares else 1.0

    def count(self, outcome: Outcome) -> int:
        """Steps of this kind, over all samples."""
        return sum(log.outcomes.count(outcome) for log in self.samples)

    def plot(self, path: str | PathLike[str]) -> None:
        """Write a picture, its format told by the path's ending. Raises H2CacheError without matplotlib."""
        try:
            from h2cache.drop_in.plot import draw
        except ImportError as error:
            raise H2CacheError("plot needs matplotlib: pip install matplotlib") from error
        draw(self.drawn, path)

    @property
    def drawn(self) -> Sequence[SampleLog]:
        """Samples with at least one step. Raises H2CacheError where there is none."""
        logs = [log for log in self.samples if log.records]
        if not logs:
            raise H2CacheError("stats have no step, allowed is a plot after a call with h2cache")
        return logs
