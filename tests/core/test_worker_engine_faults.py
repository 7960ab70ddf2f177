"""A worker whose engine stands still or loses its device: its jobs are others' to take."""

import asyncio
from dataclasses import replace

import pytest

from server.engine.interface import DeviceLost
from server.jobs.event import JobState
from server.worker.rules import ticks
from server.worker.upkeep import HungEngine
from server.worker.worker import LostDevice
from tests.core.fading import Fading
from tests.core.hand_engine import HandEngine
from tests.core.worked import TERMS, Clock, Worked, job, new_tokens, run_worked

QUICK = replace(TERMS, renew_each_s=0.01)


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

    run_worked(scenario, engine, QUICK, queue=queue)


def test_a_worker_ends_when_its_engine_stays_still_for_twice_the_bound() -> None:
    engine = StillEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await asyncio.sleep(0.1)
        world.clock.now_s = 30.0
        await asyncio.sleep(0.1)
        assert not world.running.done()
        world.clock.now_s = 30.1
        with pytest.raises(HungEngine, match="has not turned for 60 s"):
            await world.running
        status = await world.status_of("a")
        assert (status.state, status.deaths) == (JobState.QUEUED, 1), "its lease has ended by itself"

    run_worked(scenario, engine, replace(QUICK, ends_when_hung=True))


def test_a_worker_that_slept_with_its_engine_does_not_end() -> None:
    engine = StillEngine()

    async def scenario(world: Worked) -> None:
        await asyncio.sleep(0.1)
        engine.tick_s = 0.0
        await asyncio.sleep(0.1)
        world.clock.now_s = 1000.0
        await asyncio.sleep(0.1)
        engine.tick_s = 1000.0
        await asyncio.sleep(0.1)
        assert not world.running.done() and world.worker.has_pulse

    run_worked(scenario, engine, replace(QUICK, ends_when_hung=True))


def test_a_worker_beside_its_queue_outlives_a_long_step() -> None:
    engine = StillEngine()

    async def scenario(world: Worked) -> None:
        await asyncio.sleep(0.1)
        world.clock.now_s = 1000.0
        await asyncio.sleep(0.1)
        assert not world.running.done()

    run_worked(scenario, engine, QUICK)


def test_an_engine_is_alive_while_it_ticks() -> None:
    assert ticks(10.0, 40.0, 30.0)
    assert not ticks(10.0, 40.1, 30.0)
    assert not ticks(None, 0.0, 30.0)


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

    run_worked(scenario, engine)
