"""A worker whose queue or store is gone or full: it goes on, and hands in what it has when it can."""

from dataclasses import replace

from server.jobs.event import JobState
from tests.core.fading import Fading, FullFor
from tests.core.hand_engine import HandEngine
from tests.core.worked import TERMS, Clock, Worked, job, new_tokens, run_worked

QUICK = replace(TERMS, renew_each_s=0.01)


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

    run_worked(scenario, engine, QUICK, queue=queue)


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

    run_worked(scenario, engine, queue=queue)


def test_a_store_that_is_full_for_a_moment_costs_no_job() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        engine.finish("a:0")
        assert (await world.end_of("a")).state is JobState.FINISHED

    run_worked(scenario, engine, results=FullFor(2))


def test_a_store_that_stays_full_fails_the_job_rather_than_holding_it() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        engine.finish("a:0")
        end = await world.end_of("a")
        assert (end.state, end.error) == (JobState.FAILED, "the image was made but could not be stored")

    run_worked(scenario, engine, replace(TERMS, store_patience_s=0.0), results=FullFor(10**9))
