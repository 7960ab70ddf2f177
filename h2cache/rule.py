"""Which question is put to a stage in a step, before anything is computed: pure, on one sample's state."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from h2cache.state import SampleCache


class Ask(Enum):
    """OFF computes and remembers nothing, COMPUTE computes, TEST leaves it to the gate.

    OVERRULED reuses whatever the gate says, FORCED does without asking it.
    """

    OFF = auto()
    COMPUTE = auto()
    TEST = auto()
    OVERRULED = auto()
    FORCED = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one sample's stage.

    ``distance`` is None where there is none, ``finite`` says that all that was looked at is, and ``stores`` that
    what is computed will be remembered.
    """

    reused: bool
    distance: float | None = None
    finite: bool = True
    stores: bool = False
    memory: tuple[float, ...] = ()


def ask(cache: SampleCache, stage: int, earlier: Sequence[Verdict]) -> Ask:
    """The question to stage number ``stage`` after what became of the ones before it in this step.

    Where stages are linked, a reuse of the first reuses all. So that none is reused more than ``max_consecutive``
    steps in a row, the first computes where any of them has reached the cap. Only the last stage is reused for a
    budget's sake: it takes the least away.
    """
    method = cache.method
    if method is None or cache.nonfinite or not all(verdict.finite for verdict in earlier):
        return Ask.OFF
    if method.linked and any(verdict.reused for verdict in earlier):
        return Ask.FORCED
    concerned = cache.stages if method.linked and stage == 0 else cache.stages[stage : stage + 1]
    guards, reused = method.guards, cache.statistics.steps - cache.statistics.full
    is_held = guards.holds_step(cache.step_index, cache.num_steps) or guards.has_spent(reused, cache.num_steps)
    is_capped = any(guards.holds_stage(each.consecutive) for each in concerned)
    has_nothing = not cache.stages[stage].anchors
    if is_held or is_capped or has_nothing:
        return Ask.COMPUTE
    is_last = stage == len(cache.stages) - 1 and not any(verdict.reused for verdict in earlier)
    is_due = is_last and guards.must_reuse(reused, cache.step_index, cache.num_steps)
    return Ask.OVERRULED if is_due else Ask.TEST
