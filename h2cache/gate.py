"""When a stage may be reused: pure rules on one sample's numbers."""

from dataclasses import dataclass

from h2cache.settings import CacheSettings
from h2cache.state import SampleCache, StageCache


@dataclass(frozen=True, slots=True)
class StageRule:
    """What is asked of one sample's stage in this step.

    ``forced``: reuse without a test. Otherwise reuse when the distance is strictly below ``tau``, which is 0 where
    the stage has to compute. ``stores``: remember what is computed.
    """

    tau: float
    forced: bool = False
    stores: bool = True

    @property
    def is_tested(self) -> bool:
        """True where the distance is wanted."""
        return self.stores and not self.forced


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one sample's stage: reused or not, its distance if there is one, all residuals finite."""

    hit: bool
    distance: float | None = None
    finite: bool = True


OFF = StageRule(tau=0.0, stores=False)
COMPUTE = StageRule(tau=0.0)
FORCED = StageRule(tau=0.0, forced=True)


def structure_rule(cache: SampleCache) -> StageRule:
    """The rule of the double-stream blocks: tau1 decides unless a guard holds.

    A structure hit reuses both stages. So that neither is reused more than ``max_consecutive`` steps in a row,
    structure computes where its own count or detail's (which is never lower) has reached the cap.
    """
    settings = cache.settings
    if settings is None or cache.nonfinite:
        return OFF
    if is_guarded(settings, cache) or is_capped(settings, cache.structure, cache.detail):
        return COMPUTE
    return StageRule(settings.tau1)


def detail_rule(cache: SampleCache, structure: Verdict) -> StageRule:
    """The rule of the single-stream blocks: forced by a structure hit, else tau2 decides unless a guard holds."""
    settings = cache.settings
    if settings is None or cache.nonfinite or not structure.finite:
        return OFF
    if structure.hit:
        return FORCED
    if is_guarded(settings, cache) or is_capped(settings, cache.detail):
        return COMPUTE
    return StageRule(settings.tau2)


def is_guarded(settings: CacheSettings, cache: SampleCache) -> bool:
    """True in the warm-up, and in the last step where that is to be full."""
    is_last = cache.step_index == cache.num_steps - 1
    return cache.step_index < settings.warmup or (settings.last_full and is_last)


def is_capped(settings: CacheSettings, *stages: StageCache) -> bool:
    """True where one of the stages has been reused as often in a row as is allowed."""
    cap = settings.max_consecutive
    return cap is not None and any(stage.consecutive >= cap for stage in stages)
