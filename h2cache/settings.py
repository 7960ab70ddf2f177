"""The two thresholds of a sample, and the guards that the paper lacks."""

import math
from dataclasses import dataclass

from h2cache.errors import H2CacheError


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """When a sample may reuse a stage.

    ``tau1`` gates structure (the double-stream blocks), ``tau2`` gates detail (the single-stream blocks); a stage
    is reused when the relative change of its first block's residual is strictly below its threshold, so 0 never
    reuses by its own test. ``tau2 = 0`` alone does not switch detail's reuse off: a structure hit forces a detail
    hit (the paper's forced second hit). ``tau1 = tau2 = 0`` computes everything.

    Guards, off by default: the first ``warmup`` steps are full; ``last_full`` makes the last step full;
    ``max_consecutive`` bounds the steps in a row for which one stage's residual is reused.
    """

    tau1: float
    tau2: float
    warmup: int = 0
    last_full: bool = False
    max_consecutive: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("tau1", self.tau1), ("tau2", self.tau2)):
            if not (math.isfinite(value) and value >= 0):
                raise H2CacheError(f"{name} is {value}, allowed is a finite number from 0 up")
        if self.warmup < 0:
            raise H2CacheError(f"warmup is {self.warmup}, allowed is a whole number from 0 up")
        if self.max_consecutive is not None and self.max_consecutive < 0:
            raise H2CacheError(
                f"max_consecutive is {self.max_consecutive}, allowed is a whole number from 0 up, or None"
            )


PAPER = CacheSettings(tau1=0.15, tau2=0.22)
"""The published demo's thresholds and nothing more (repository Bluear7878/H2-Cache, arXiv 2510.27171)."""
