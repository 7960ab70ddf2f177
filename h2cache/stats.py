"""What happened to a sample, step by step and in sum."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The three kinds of a step. Structure alone is never reused: its hit forces detail's."""

    FULL = "full"
    DETAIL_HIT = "detail_hit"
    STRUCTURE_HIT = "structure_hit"


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of one sample.

    ``d1`` and ``d2`` are the distances of structure and detail from their last computed step. They are None
    where there is none: in the first step, with the cache off, after a residual that was not finite, where
    the old summary is all zero, ``d2`` on a forced hit, and where the method does not measure. Where a guard makes
    a stage compute they are told all the same. ``blocks_run`` counts blocks, ``flops_share`` is their part of the
    FLOPs of all blocks, ``flux1_share`` what the same decisions cost on FLUX.1's 19 + 38 blocks. ``nonfinite``: a
    residual of this or an earlier step was not finite.
    """

    outcome: Outcome
    d1: float | None
    d2: float | None
    blocks_run: int
    flops_share: float
    flux1_share: float
    nonfinite: bool = False


@dataclass(frozen=True, slots=True)
class SampleStatistics:
    """Sums over a sample's steps; ``flops`` and ``flux1`` sum the shares."""

    full: int = 0
    detail_hits: int = 0
    structure_hits: int = 0
    blocks_run: int = 0
    flops: float = 0.0
    flux1: float = 0.0
    nonfinite: bool = False

    @property
    def steps(self) -> int:
        """Steps taken so far."""
        return self.full + self.detail_hits + self.structure_hits

    @property
    def flops_ratio(self) -> float:
        """Share of the uncached run's block FLOPs that was spent; 1 before the first step."""
        return self.flops / self.steps if self.steps else 1.0

    @property
    def flux1_ratio(self) -> float:
        """The same at FLUX.1's price; 1 before the first step."""
        return self.flux1 / self.steps if self.steps else 1.0

    def add(self, record: StepRecord) -> "SampleStatistics":
        """The sums with one more step."""
        return SampleStatistics(
            self.full + (record.outcome is Outcome.FULL),
            self.detail_hits + (record.outcome is Outcome.DETAIL_HIT),
            self.structure_hits + (record.outcome is Outcome.STRUCTURE_HIT),
            self.blocks_run + record.blocks_run,
            self.flops + record.flops_share,
            self.flux1 + record.flux1_share,
            self.nonfinite or record.nonfinite,
        )
