"""The two thresholds of a sample, and the guards that the paper lacks."""

import sys
from dataclasses import dataclass

from h2cache.errors import H2CacheError


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """When a sample may reuse a stage instead of computing it.

    ``tau1`` gates structure (the double-stream blocks), ``tau2`` gates detail (the single-stream blocks). A
    stage is reused when the relative L1 change of its first block's residual since the last computed step is
    strictly below its threshold, so a threshold of 0 never hits by its own test, and ``tau1 = tau2 = 0``
    computes everything.

    ``tau2 = 0`` alone does NOT switch the reuse of detail off: a structure hit forces a detail hit without a
    test (the forced second hit of arXiv 2510.27171). To have detail always computed, set ``tau1 = 0`` too.

    Guards, off by default, which the paper does not have:

    - ``warmup``: the first so many steps of the sample are full;
    - ``last_full``: its last step is full;
    - ``max_consecutive``: a stage's residual is reused in at most so many steps in a row, then that stage
      computes. A structure miss lets tau2 decide, unless detail's own count is at the cap. A forced hit
      counts for both stages, so detail's count is never below structure's; where detail has to compute, the
      step is no structure hit, which would reuse both: structure computes as well. 0 means that nothing is
      ever reused.
    """

    tau1: float
    tau2: float
    warmup: int = 0
    last_full: bool = False
    max_consecutive: int | None = None

    def __post_init__(self) -> None:
        for name in ("tau1", "tau2"):
            value = getattr(self, name)
            if not _is_threshold(value):
                raise H2CacheError(f"{name} is {value!r}, allowed is a finite number from 0 up")
        if not _is_count(self.warmup):
            raise H2CacheError(f"warmup is {self.warmup!r}, allowed is a whole number from 0 up")
        if not isinstance(self.last_full, bool):
            raise H2CacheError(f"last_full is {self.last_full!r}, allowed is True or False")
        if self.max_consecutive is not None and not _is_count(self.max_consecutive):
            raise H2CacheError(
                f"max_consecutive is {self.max_consecutive!r}, allowed is a whole number from 0 up, or None"
            )


def _is_threshold(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= sys.float_info.max


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


PAPER = CacheSettings(tau1=0.15, tau2=0.22)
"""The published experiment's thresholds, no guards (arXiv 2510.27171; repository Bluear7878/H2-Cache)."""
