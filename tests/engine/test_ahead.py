"""Steps that run no block go first, so that those that compute do so together."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import pytest

from h2cache import Method, SampleCache
from h2cache.fills.last import Last
from h2cache.gate import Decision, Moment
from h2cache.layout import WholeStep
from h2cache.method import Reused, Stage
from server.engine.device_error import DeviceFault
from server.engine.interface import BatchStepped, EngineFact, SampleOrder, SampleStepped
from server.engine.loader import LoadedModel
from server.engine.roster import Roster
from server.engine.step_loop import StepLoop
from server.request import CacheChoice
from tests.engine.alone import Gathering, assert_each_is_as_alone
from tests.engine.conftest import LIMITS, Start, order
from tests.engine.samples import prepared, rule


def ours(tau1: float, tau2: float) -> CacheChoice:
    return CacheChoice("custom", tau1, tau2, method="default")


OURS = [
    order(str(place), steps=steps, seed=place, guidance=4.0, cache=ours(tau, 1.5 * tau))
    for place, (steps, tau) in enumerate([(12, 0.3), (9, 0.5), (14, 0.2), (10, 0.9), (6, 0.4)])
]
OTHERS = [
    order("paper", steps=9, seed=7, guidance=4.0, cache=rule(0.5, 0.5)),
    order("off", steps=5, seed=8, guidance=4.0),
    order("wide", steps=9, seed=9, guidance=4.0, cache=ours(0.5, 0.7), width=96),
]


@pytest.mark.parametrize("name", ["dev", "klein"])
def test_who_goes_ahead_and_who_waits_is_what_each_is_alone(
    name: str, request: pytest.FixtureRequest, start: Start
) -> None:
    assert_each_is_as_alone(request.getfixturevalue(name), [*OURS, *OTHERS], start)


def together(model: LoadedModel, orders: Sequence[SampleOrder], start: Start) -> list[BatchStepped]:
    """The steps of samples that are all under way from the second step on."""
    engine, recorder = start(model, recorder=Gathering(wanted=len(orders)))
    for wanted in orders:
        engine.submit(wanted)
    for wanted in orders:
        recorder.finished(wanted.sample_id)
    return recorder.batches


@pytest.mark.parametrize(("name", "rows"), [("dev", 1), ("klein", 2)])
def test_a_batch_computes_as_a_whole_or_not_at_all(
    name: str, rows: int, request: pytest.FixtureRequest, start: Start
) -> None:
    steps = together(request.getfixturevalue(name), OURS, start)
    for step in steps:
        computed = [row.blocks_run > 0 for row in step.rows]
        assert step.waiting == 0 or not any(computed), "whoever computes waits for nobody"
    assert any(step.waiting for step in steps)
    assert sum(step.batch_size - step.waiting for step in steps) == sum(wanted.steps for wanted in OURS)
    assert sum(len(step.rows) for step in steps) == rows * sum(wanted.steps for wanted in OURS)


def test_a_sample_without_a_cache_computes_once_a_round_as_everybody(dev: LoadedModel, start: Start) -> None:
    uncached = order("off", steps=6, seed=8)
    steps = together(dev, [uncached, *OURS], start)
    of_uncached = [step for step in steps if any(row.cache == uncached.cache for row in step.rows)]
    assert len(of_uncached) == 6
    assert all(step.waiting == 0 for step in of_uncached)


def test_a_shape_that_waits_its_turn_gets_it_after_one_round_of_another(dev: LoadedModel, start: Start) -> None:
    wide = [replace(wanted, sample_id=f"wide {wanted.sample_id}", width=96) for wanted in OURS]
    engine, recorder = start(dev, recorder=Gathering(wanted=2 * 4))
    for wanted in (*OURS[:4], *wide[:4]):
        engine.submit(wanted)
    for wanted in (*OURS[:4], *wide[:4]):
        recorder.finished(wanted.sample_id)
    stepped = [event for event in recorder.events if isinstance(event, SampleStepped)]
    all_here = max(place for place, event in enumerate(stepped) if event.step == 1)
    computed = [event.sample_id.startswith("wide") for event in stepped[all_here:] if "full" in event.outcomes]
    both = computed[: min(last_of(computed, True), last_of(computed, False))]
    rounds = [len(list(run)) for _, run in groupby(both)]
    assert len(rounds) >= 4
    assert max(rounds) <= 4, "a round has each of the four once"


def last_of(kinds: Sequence[bool], kind: bool) -> int:
    return len(kinds) - 1 - list(reversed(kinds)).index(kind)


class Failing:
    """A gate that fails the first so many times it is asked, then reuses."""

    measures, counts_steps = None, False

    def __init__(self, message: str, times: int) -> None:
        self._message, self._times = message, times

    def decide(self, now: Moment) -> Decision:
        if self._times:
            self._times -= 1
            raise RuntimeError(self._message)
        return Decision(reuse=True)


def looped(model: LoadedModel, gate: Failing) -> list[EngineFact]:
    """A sample of four steps under the gate, to its end."""
    sample = prepared(model, order("x", steps=4))
    rule_of_gate = Method("failing", WholeStep(), (Stage(gate, Last(), reused=Reused.OUTPUT),))
    sample.caches = (SampleCache.start(rule_of_gate, 4),)
    roster, facts = Roster(), list[EngineFact]()
    roster.enter(sample.order)
    roster.hand_over(sample)
    roster.close(0.0)

    def leave() -> None:
        roster.leave("x")

    StepLoop(
        model,
        LIMITS,
        roster,
        tell=lambda event: None,
        end=lambda event: None,
        observe=facts.append,
        decode=lambda item: leave(),
        save=lambda item: None,
    ).run()
    return facts


def test_an_error_of_the_device_that_comes_up_while_looking_ahead_is_the_batch_s(dev: LoadedModel) -> None:
    with pytest.raises(DeviceFault, match="illegal memory access") as lost:
        looped(dev, Failing("CUDA error: an illegal memory access was encountered", times=1))
    assert lost.value.sample_ids == ("x",)


def test_where_looking_ahead_fails_all_step_and_nothing_is_lost(dev: LoadedModel) -> None:
    facts = looped(dev, Failing("out of memory, as it were", times=1))
    assert [len(fact.rows) for fact in facts if isinstance(fact, BatchStepped)] == 4 * [1]
