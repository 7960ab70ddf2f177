"""The worker when things go wrong: queue and store gone, leases lost, engines that hang or lose their device."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.interface import DeviceLost, Engine, SampleDropped, SampleResumed, SampleSaved
from server.errors import StorageFull, StorageUnreachable
from server.jobs.event import JobState
from server.jobs.fit import Room
from server.jobs.lease import Checkpoint, Lease, LeaseReport, Progress
from server.jobs.memory import MemoryQueue
from server.request import JobResult, Resumed
from server.results.memory import MemoryResults
from server.worker.checkpoints import is_due
from server.worker.leave import leave
from server.worker.patience import LONGEST_S, delays, repeat
from server.worker.rules import ends_in_time, smoothed, ticks
from server.worker.terms import CheckpointKind, CheckpointTerms, WorkerTerms
from server.worker.worker import LostDevice
from tests.core.hand_engine import HandEngine
from tests.core.worked import MODEL, TERMS, Clock, Worked, job, new_tokens, worked

OFTEN = CheckpointTerms(CheckpointKind.FULL, each_steps=1, interval_s=0.0)
QUICK = replace(TERMS, renew_each_s=0.01)
EMPTY = Room(8)


def run(
    scenario: Callable[[Worked], Awaitable[None]], engine: Engine, terms: WorkerTerms = TERMS, **parts: object
) -> None:
    async def whole() -> None:
        async with worked(engine, terms=terms, **parts) as world:  # type: ignore[arg-type]  # parts of several types
            await scenario(world)

    asyncio.run(whole())


class Fading(MemoryQueue):
    """A queue that nobody answers at while ``is_gone``; each refused call is counted."""

    is_gone = False
    refused = 0

    def _check(self) -> None:
        if self.is_gone:
            self.refused += 1
            raise StorageUnreachable("gone")

    async def take(self, room: Room, model: str, worker: str) -> list[Lease]:
        self._check()
        return await super().take(room, model, worker)

    async def renew(self, leases: Sequence[Lease]) -> LeaseReport:
        self._check()
        return await super().renew(leases)

    async def progress(self, reports: Sequence[Progress]) -> LeaseReport:
        self._check()
        return await super().progress(reports)

    async def finish(self, lease: Lease, result: JobResult) -> bool:
        self._check()
        return await super().finish(lease, result)


class FullFor(MemoryResults):
    """A store without room for the first ``times`` images."""

    def __init__(self, times: int) -> None:
        super().__init__(Clock())
        self.times = times

    async def put(self, key: str, content: bytes, ttl_s: float) -> None:
        if self.times:
            self.times -= 1
            raise StorageFull("no room")
        await super().put(key, content, ttl_s)


def test_while_the_queue_is_gone_work_goes_on_and_is_handed_in_when_it_is_back() -> None:
    engine, queue = HandEngine(), Fading(new_tokens(), Clock())

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        queue.is_gone = True
        engine.step("a:0", 1)
        engine.finish("a:0")
        await world.until(lambda: queue.refused > 3)
        assert not world.running.done() and engine.cancelled == []
        queue.is_gone = False
        assert (await world.end_of("a")).state is JobState.FINISHED
        await world.submit(job("b"))
        await world.until(lambda: "b:0" in engine.orders)

    run(scenario, engine, QUICK, queue=queue)


def test_progress_that_could_not_be_told_is_told_later() -> None:
    engine, queue = HandEngine(), Fading(new_tokens(), Clock())

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"), job("b"))
        await world.settle()
        queue.is_gone = True
        engine.step("a:0", 3)
        await world.settle()
        queue.is_gone = False
        engine.step("b:0", 1)
        await world.settle()
        assert [(await world.status_of(name)).step for name in "ab"] == [3, 1]

    run(scenario, engine, queue=queue)


def test_a_store_that_is_full_for_a_moment_costs_no_job() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        engine.finish("a:0")
        assert (await world.end_of("a")).state is JobState.FINISHED

    run(scenario, engine, results=FullFor(2))


def test_a_store_that_stays_full_fails_the_job_rather_than_holding_it() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        engine.finish("a:0")
        end = await world.end_of("a")
        assert (end.state, end.error) == (JobState.FAILED, "the image was made but could not be stored")

    run(scenario, engine, replace(TERMS, store_patience_s=0.0), results=FullFor(10**9))


def test_a_job_that_went_to_another_worker_is_dropped_and_its_late_end_changes_nothing() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        world.clock.now_s += 16
        (other,) = await world.queue.take(EMPTY, MODEL, "other")
        engine.step("a:0", 2)
        await world.settle()
        assert engine.cancelled == ["a:0"]
        engine.finish("a:0")
        await world.settle()
        assert (await world.status_of("a")).state is JobState.RUNNING
        assert await world.queue.finish(other, JobResult(()))

    run(scenario, engine)


def test_an_image_made_before_the_loss_was_known_is_stored_beside_and_refused() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        world.clock.now_s += 16
        (other,) = await world.queue.take(EMPTY, MODEL, "other")
        engine.finish("a:0")
        await world.settle()
        assert (await world.status_of("a")).state is JobState.RUNNING
        assert await world.results.get("a/0/token-0") == b"a:0", "it expires by itself"
        assert await world.queue.finish(other, JobResult(()))

    run(scenario, engine)


def test_a_job_that_comes_back_to_the_worker_that_lost_it_is_begun_anew() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        lost = engine.orders["a:0"].sample_id
        world.clock.now_s += 16
        await world.until(lambda: "a:0" in engine.cancelled)
        engine.end(SampleDropped(lost))
        await world.until(lambda: engine.orders["a:0"].sample_id != lost)
        engine.tell(SampleDropped(lost))
        await world.settle()
        engine.step("a:0", 1)
        engine.finish("a:0")
        assert (await world.end_of("a")).state is JobState.FINISHED

    run(scenario, engine, QUICK)


def test_a_job_that_comes_back_before_its_loss_was_known_replaces_what_was_begun() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"), job("b"))
        await world.settle()
        lost = {name: engine.orders[name].sample_id for name in ("a:0", "b:0")}
        world.clock.now_s += 16
        engine.step("b:0", 1)
        await world.settle()
        engine.end(SampleDropped(lost["b:0"]))
        await world.settle()
        assert engine.cancelled == ["b:0", "a:0"]
        assert all(engine.orders[name].sample_id != lost[name] for name in lost)
        for name in lost:
            engine.finish(name)
        assert [(await world.end_of(name)).state for name in "ab"] == [JobState.FINISHED] * 2

    run(scenario, engine)


class StillEngine(HandEngine):
    """An engine whose loop turned once, long ago."""

    tick_s = -1000.0

    @property
    def last_tick_s(self) -> float | None:
        return self.tick_s


def test_an_engine_that_does_not_tick_renews_no_lease() -> None:
    engine, queue = StillEngine(), Fading(new_tokens(), Clock())

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        queue.is_gone = True
        await asyncio.sleep(0.1)
        assert queue.refused == 0 and not world.worker.has_pulse
        engine.tick_s = 0.0
        await world.until(lambda: queue.refused > 0)

    run(scenario, engine, QUICK, queue=queue)


def test_a_lost_device_hands_every_job_back_and_breaks_the_worker() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"), job("b"))
        await world.settle()
        engine.tell(DeviceLost("CUDA error: fake", ("a:0",)))
        with pytest.raises(LostDevice, match="CUDA error: fake"):
            await world.running
        statuses = [await world.status_of(name) for name in "ab"]
        assert [(status.state, status.deaths) for status in statuses] == [
            (JobState.QUEUED, 1),
            (JobState.QUEUED, 0),
        ]

    run(scenario, engine)


def test_a_worker_that_is_asked_to_drain_takes_no_more() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.until(lambda: bool(world.worker.info))
        await world.settle()
        world.worker.close()
        await world.submit(job("a"))
        await world.settle()
        assert engine.orders == {} and world.worker.info.draining

    run(scenario, engine)


def saved(index: str, step: int, content: bytes = b"state") -> SampleSaved:
    return SampleSaved(index, step, content, True)


def test_a_sample_is_saved_and_whoever_takes_its_job_over_goes_on_from_there() -> None:
    engine, results = HandEngine(), MemoryResults(Clock())

    async def scenario(world: Worked) -> None:
        await world.submit(job("a", images=2))
        await world.settle()
        engine.step("a:1", 1)
        await world.settle()
        assert engine.saves == ["a:1"]
        engine.tell(saved("a:1", 2))
        await world.settle()
        world.clock.now_s += 16
        (lease,) = await world.queue.take(EMPTY, MODEL, "other")
        assert lease.checkpoints == (Checkpoint(1, 2, "a/1/checkpoint/token-0"),)
        assert await results.get("a/1/checkpoint/token-0") == b"state"
        await world.queue.release(lease)
        engine.step("a:0", 2)
        await world.until(lambda: bool(engine.orders.get("a:1") and engine.orders["a:1"].checkpoint))
        assert (engine.orders["a:0"].checkpoint, engine.orders["a:1"].checkpoint) == (None, b"state")
        engine.tell(SampleResumed("a:1", 2, True))
        for name in ("a:0", "a:1"):
            engine.finish(name)
        end = await world.end_of("a")
        assert end.result is not None
        assert [image.resumed for image in end.result.images] == [None, Resumed(2, True)]
        await world.settle()
        assert await results.get("a/1/checkpoint/token-0") is None

    run(scenario, engine, replace(QUICK, checkpoints=OFTEN), results=results)


def test_checkpoints_over_the_budget_are_let_go() -> None:
    engine, results = HandEngine(), MemoryResults(Clock())

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"), job("b"))
        await world.settle()
        for name in ("a:0", "b:0"):
            engine.step(name, 1)
            engine.tell(saved(name, 1, b"12345"))
        await world.settle()
        engine.tell(saved("a:0", 2, b"123456"))
        await world.settle()
        assert await results.get("a/0/checkpoint/token-0") == b"123456"
        assert await results.get("b/0/checkpoint/token-1") is None
        engine.finish("a:0")
        await world.end_of("a")
        engine.tell(saved("b:0", 3, b"1234"))
        await world.settle()
        assert await results.get("b/0/checkpoint/token-1") == b"1234"

    run(scenario, engine, replace(TERMS, checkpoints=replace(OFTEN, budget_bytes=8)), results=results)


def test_a_leaving_worker_ends_what_it_can_and_hands_the_rest_back_with_its_states() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"), job("b"), job("c"))
        await world.settle()
        engine.step("a:0", 2)
        engine.step("b:0", 1)
        await world.settle()
        hurry = asyncio.Event()
        leaving = asyncio.create_task(leave(world.worker, 1000.0, hurry, world.clock))
        await world.settle()
        engine.finish("a:0")
        assert (await world.end_of("a")).state is JobState.FINISHED
        assert not leaving.done()
        hurry.set()
        await world.until(lambda: engine.saves.count("b:0") == 2)
        engine.tell(saved("b:0", 2))
        await leaving
        statuses = [await world.status_of(name) for name in "bc"]
        assert [(status.state, status.attempt) for status in statuses] == [(JobState.QUEUED, 0)] * 2
        assert set(engine.cancelled) == {"b:0", "c:0"}
        leases = await world.queue.take(EMPTY, MODEL, "other")
        assert [lease.checkpoints for lease in leases] == [(Checkpoint(0, 2, "b/0/checkpoint/token-1"),), ()]

    run(scenario, engine, replace(TERMS, checkpoints=OFTEN))


def test_a_leaving_worker_gives_at_once_what_cannot_end_in_time() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        engine.step("a:0", 1)
        await world.settle()
        await leave(world.worker, 0.7, asyncio.Event(), world.clock)
        assert (await world.status_of("a")).state is JobState.QUEUED

    run(scenario, engine)


def test_the_engine_s_last_word_on_a_job_that_was_handed_back_is_not_heard() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        await leave(world.worker, 0.0, asyncio.Event(), world.clock)
        engine.end(SampleDropped("a:0"))
        engine.finish("a:0")
        await world.settle()
        assert (await world.status_of("a")).state is JobState.QUEUED

    run(scenario, engine)


def test_a_sample_is_due_at_each_nth_step_but_not_too_often_and_never_after_the_last() -> None:
    terms = CheckpointTerms(each_steps=8, interval_s=2.0)
    assert not is_due(7, 20, 0, 9.0, terms)
    assert is_due(8, 20, 0, 9.0, terms)
    assert not is_due(8, 20, 0, 1.9, terms)
    assert is_due(9, 20, 0, 2.0, terms)
    assert not is_due(9, 20, 8, 9.0, terms)
    assert not is_due(16, 16, 8, 9.0, terms)
    assert not is_due(8, 20, 0, 9.0, replace(terms, kind=CheckpointKind.OFF))


def test_an_engine_is_alive_while_it_ticks() -> None:
    assert ticks(10.0, 40.0, 30.0)
    assert not ticks(10.0, 40.1, 30.0)
    assert not ticks(None, 0.0, 30.0)


def test_a_job_ends_in_time_when_its_steps_fit() -> None:
    assert ends_in_time(10, 0.5, 5.0)
    assert not ends_in_time(11, 0.5, 5.0)
    assert ends_in_time(1000, None, 0.1)
    assert smoothed(None, 2.0) == 2.0
    assert smoothed(1.0, 2.0) == pytest.approx(1.1)


@given(st.floats(0, 1), st.integers(1, 2000))
def test_a_repeated_call_waits_longer_each_time_up_to_a_bound(drawn: float, tries: int) -> None:
    waits = list(itertools.islice(delays(lambda: drawn), tries))
    assert waits == sorted(waits)
    assert 0 <= max(waits) <= LONGEST_S


def test_a_call_is_repeated_until_it_succeeds_or_is_wanted_no_longer() -> None:
    async def scenario() -> None:
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        async def call() -> str:
            if len(slept) < 3:
                raise StorageUnreachable("gone")
            return "done"

        assert await repeat(call, lambda: True, lambda: 1.0, sleep) == "done"
        assert slept == [0.1, 0.2, 0.4]
        slept.clear()
        assert await repeat(call, lambda: len(slept) < 2, lambda: 1.0, sleep) is None
        assert len(slept) == 2

        async def break_down() -> None:
            raise KeyError("a fault of ours")

        with pytest.raises(KeyError):
            await repeat(break_down, lambda: True)

    asyncio.run(scenario())
