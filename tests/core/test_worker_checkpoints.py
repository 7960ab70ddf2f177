"""A worker's checkpoints: when they are made, who goes on from them, and how much they may hold."""

import asyncio
from dataclasses import replace

from server.engine.interface import SampleResumed
from server.jobs.fit import Room
from server.jobs.lease import Checkpoint
from server.request import Resumed
from server.results.memory import MemoryResults
from server.worker.checkpoints import is_due
from server.worker.terms import CheckpointKind, CheckpointTerms
from tests.core.hand_engine import HandEngine, saved
from tests.core.worked import MODEL, TERMS, Clock, Worked, job, run_worked

OFTEN = CheckpointTerms(CheckpointKind.FULL, each_steps=1, interval_s=0.0)


QUICK = replace(TERMS, renew_each_s=0.01)


EMPTY = Room(8)


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

    run_worked(scenario, engine, replace(QUICK, checkpoints=OFTEN), results=results)


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

    run_worked(scenario, engine, replace(TERMS, checkpoints=replace(OFTEN, budget_bytes=8)), results=results)


def test_a_sample_is_due_at_each_nth_step_but_not_too_often_and_never_after_the_last() -> None:
    terms = CheckpointTerms(each_steps=8, interval_s=2.0)
    assert not is_due(7, 20, 0, 9.0, terms)
    assert is_due(8, 20, 0, 9.0, terms)
    assert not is_due(8, 20, 0, 1.9, terms)
    assert is_due(9, 20, 0, 2.0, terms)
    assert not is_due(9, 20, 8, 9.0, terms)
    assert not is_due(16, 16, 8, 9.0, terms)
    assert not is_due(8, 20, 0, 9.0, replace(terms, kind=CheckpointKind.OFF))


class SlowCheckpoints(MemoryResults):
    """Takes its time over checkpoints, until told to go on."""

    def __init__(self) -> None:
        super().__init__(Clock())
        self.go_on = asyncio.Event()

    async def put(self, key: str, content: bytes, ttl_s: float) -> None:
        if "/checkpoint/" in key:
            await self.go_on.wait()
        await super().put(key, content, ttl_s)


def test_a_checkpoint_that_is_being_stored_when_its_job_finishes_does_not_outlive_it() -> None:
    engine, results = HandEngine(), SlowCheckpoints()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        engine.step("a:0", 1)
        await world.settle()
        engine.tell(saved("a:0", 2))
        await world.settle()
        engine.finish("a:0")
        assert (await world.end_of("a")).result is not None
        await world.settle()
        results.go_on.set()
        await world.settle()
        assert await results.get("a/0/checkpoint/token-0") is None

    run_worked(scenario, engine, replace(QUICK, checkpoints=OFTEN), results=results)
