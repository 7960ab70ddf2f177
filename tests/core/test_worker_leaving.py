"""A worker that leaves: it ends what it can and hands the rest back with its states."""

import asyncio
from dataclasses import replace

import pytest

from server.engine.interface import SampleDropped
from server.jobs.event import JobState
from server.jobs.fit import Room
from server.jobs.lease import Checkpoint
from server.worker.leave import leave
from server.worker.rules import ends_in_time, smoothed
from server.worker.terms import CheckpointKind, CheckpointTerms
from tests.core.hand_engine import HandEngine, saved
from tests.core.worked import MODEL, TERMS, Worked, job, run_worked

OFTEN = CheckpointTerms(CheckpointKind.FULL, each_steps=1, interval_s=0.0)


EMPTY = Room(8)


def test_a_worker_that_is_asked_to_drain_takes_no_more() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.until(lambda: bool(world.worker.info))
        await world.settle()
        world.worker.close()
        await world.submit(job("a"))
        await world.settle()
        assert engine.orders == {} and world.worker.info.draining

    run_worked(scenario, engine)


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

    run_worked(scenario, engine, replace(TERMS, checkpoints=OFTEN))


def test_a_leaving_worker_gives_at_once_what_cannot_end_in_time() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        engine.step("a:0", 1)
        await world.settle()
        await leave(world.worker, 0.7, asyncio.Event(), world.clock)
        assert (await world.status_of("a")).state is JobState.QUEUED

    run_worked(scenario, engine)


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

    run_worked(scenario, engine)


def test_a_job_ends_in_time_when_its_steps_fit() -> None:
    assert ends_in_time(10, 0.5, 5.0)
    assert not ends_in_time(11, 0.5, 5.0)
    assert ends_in_time(1000, None, 0.1)
    assert smoothed(None, 2.0) == 2.0
    assert smoothed(1.0, 2.0) == pytest.approx(1.1)
