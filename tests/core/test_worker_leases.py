"""A worker that has lost a lease: another one has the job, and its own late words change nothing."""

from dataclasses import replace

from server.engine.interface import SampleDropped
from server.jobs.event import JobState
from server.jobs.fit import Room
from server.jobs.lease import Lease
from server.request import JobResult
from tests.core.hand_engine import HandEngine
from tests.core.worked import MODEL, TERMS, Worked, job, run_worked

QUICK = replace(TERMS, renew_each_s=0.01)
EMPTY = Room(8)


async def lost_to_another(world: Worked) -> Lease:
    """The job a, begun by this worker, whose lease ended; the other one's lease of it."""
    await world.submit(job("a"))
    await world.settle()
    world.clock.now_s += 16
    (other,) = await world.queue.take(EMPTY, MODEL, "other")
    return other


def test_a_job_that_went_to_another_worker_is_dropped_and_its_late_end_changes_nothing() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        other = await lost_to_another(world)
        engine.step("a:0", 2)
        await world.settle()
        assert engine.cancelled == ["a:0"]
        engine.finish("a:0")
        await world.settle()
        assert (await world.status_of("a")).state is JobState.RUNNING
        assert await world.queue.finish(other, JobResult(()))

    run_worked(scenario, engine)


def test_an_image_made_before_the_loss_was_known_is_stored_beside_and_refused() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        other = await lost_to_another(world)
        engine.finish("a:0")
        await world.settle()
        assert (await world.status_of("a")).state is JobState.RUNNING
        assert await world.results.get("a/0/token-0") == b"a:0", "it expires by itself"
        assert await world.queue.finish(other, JobResult(()))

    run_worked(scenario, engine)


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

    run_worked(scenario, engine, QUICK)


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

    run_worked(scenario, engine)
