"""The worker: jobs in, samples to the engine, images and ends out."""

import threading
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from server.engine.fake import InstantEngine
from server.engine.interface import SampleDropped, SampleFailed, SampleFinished, SampleOrder, SampleStepped
from server.jobs.event import JobState
from server.request import OutputFormat
from server.results.memory import MemoryResults
from tests.core.hand_engine import COUNTS, HandEngine
from tests.core.worked import CHOICE, MODEL, TERMS, Clock, Worked, job, run_worked


class FullResults(MemoryResults):
    """A store that takes nothing of a job called ``big``."""

    async def put(self, key: str, content: bytes, ttl_s: float) -> None:
        if key.startswith("big/"):
            raise OSError("no space left")
        await super().put(key, content, ttl_s)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 10), min_size=1, max_size=6), st.integers(1, 8))
def test_every_image_of_every_job_is_made_whatever_the_batch_holds(sizes: list[int], max_batch: int) -> None:
    async def scenario(world: Worked) -> None:
        await world.submit(*[job(str(i), size, seed=100 * i) for i, size in enumerate(sizes)])
        for i, size in enumerate(sizes):
            end = await world.end_of(str(i))
            assert end.state is JobState.FINISHED and end.result is not None
            assert [image.index for image in end.result.images] == list(range(size))
            assert [image.seed for image in end.result.images] == [100 * i + k for k in range(size)]
            for image in end.result.images:
                assert await world.results.get(image.result_key)
        await world.settle()
        depth = await world.queue.depth()
        assert (depth.images_waiting, depth.images_running) == (0, 0)
        assert world.counted("h2serve_images_total", end="finished") == sum(sizes)

    run_worked(scenario, InstantEngine(max_batch))


def test_a_job_larger_than_the_free_places_is_fed_as_places_come_free() -> None:
    engine = HandEngine(places=2)

    async def scenario(world: Worked) -> None:
        await world.submit(job("a", images=4), job("b"))
        await world.settle()
        assert list(engine.orders) == ["a:0", "a:1"]
        engine.finish("a:1")
        await world.settle()
        assert list(engine.orders) == ["a:0", "a:1", "a:2"]
        for name in ("a:0", "a:2"):
            engine.finish(name)
        await world.settle()
        assert list(engine.orders) == ["a:0", "a:1", "a:2", "a:3", "b:0"]
        engine.finish("a:3")
        end = await world.end_of("a")
        assert end.result is not None
        assert [image.result_key for image in end.result.images] == [f"a/{k}/token-0" for k in range(4)]
        assert await world.results.get("a/3/token-0") == b"a:3"

    run_worked(scenario, engine)


def test_an_order_says_what_the_request_said() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a", images=2))
        await world.settle()
        assert engine.orders["a:1"] == SampleOrder(
            "a:1:token-0", "a star", 64, 96, 4, 2.5, 8, CHOICE, OutputFormat.WEBP, 80, model=MODEL
        )

    run_worked(scenario, engine)


def test_progress_is_counted_over_all_images_of_a_job() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a", images=2))
        await world.settle()
        engine.step("a:0", 3)
        engine.step("a:1", 1)
        await world.settle()
        status = await world.status_of("a")
        assert (status.state, status.step, status.num_steps) == (JobState.RUNNING, 4, 8)
        assert world.counted("h2serve_steps_total", preset="custom", tau1="0.1", tau2="0.2", outcome="full") == 2

    run_worked(scenario, engine)


def test_one_failed_image_fails_its_job_takes_back_its_siblings_and_harms_no_other() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a", images=3), job("b"))
        await world.settle()
        engine.finish("a:0")
        engine.end(SampleFailed("a:1", "the image could not be computed"))
        end = await world.end_of("a")
        assert (end.state, end.error) == (JobState.FAILED, "the image could not be computed")
        await world.settle()
        assert engine.cancelled == ["a:2"]
        assert await world.results.get("a/0/token-0") is None
        engine.end(SampleDropped("a:2"))
        engine.finish("b:0")
        assert (await world.end_of("b")).state is JobState.FINISHED

    run_worked(scenario, engine)


def test_a_cancelled_job_s_samples_are_taken_back_after_the_next_step_and_its_images_forgotten() -> None:
    engine = HandEngine(places=2)

    async def scenario(world: Worked) -> None:
        await world.submit(job("a", images=3), job("b"))
        await world.settle()
        engine.finish("a:0")
        await world.settle()
        assert await world.queue.cancel("a")
        engine.step("a:1", 1)
        await world.settle()
        assert set(engine.cancelled) == {"a:1", "a:2"}
        assert await world.results.get("a/0/token-0") is None
        for k in (1, 2):
            engine.end(SampleDropped(f"a:{k}"))
        await world.settle()
        assert "b:0" in engine.orders
        assert (await world.end_of("a")).state is JobState.CANCELLED

    run_worked(scenario, engine)


def test_an_image_that_comes_after_the_cancellation_is_not_kept() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        await world.queue.cancel("a")
        await world.settle()
        engine.finish("a:0")
        await world.settle()
        assert await world.results.get("a/0/token-0") is None
        assert (await world.end_of("a")).state is JobState.CANCELLED

    run_worked(scenario, engine)


def test_a_storm_of_events_repeated_and_of_strangers_is_survived() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a", images=2))
        await world.settle()
        for _ in range(2000):
            engine.tell(SampleStepped("a:0", 2, 4))
            engine.tell(SampleStepped("nobody:0", 2, 4))
            engine.tell(SampleFinished("a:0", b"image", COUNTS, 0.0, 0.0, 0.0, 1))
            engine.tell(SampleFinished("strange", b"image", COUNTS, 0.0, 0.0, 0.0, 1))
        engine.finish("a:1")
        end = await world.end_of("a")
        assert end.result is not None and len(end.result.images) == 2

    run_worked(scenario, engine)


def test_an_image_that_cannot_be_stored_fails_its_job_and_no_other() -> None:
    async def scenario(world: Worked) -> None:
        await world.submit(job("big"), job("a"))
        end = await world.end_of("big")
        assert (end.state, end.error) == (JobState.FAILED, "the image was made but could not be stored")
        assert (await world.end_of("a")).state is JobState.FINISHED

    run_worked(scenario, InstantEngine(), results=FullResults(Clock()))


def test_a_sample_that_the_engine_drops_by_itself_gives_its_job_back_to_the_queue() -> None:
    engine = HandEngine(places=2)

    async def scenario(world: Worked) -> None:
        await world.submit(job("a", images=2))
        await world.settle()
        engine.tell(SampleDropped("a:0"))
        await world.settle()
        assert (await world.status_of("a")).state is JobState.QUEUED
        assert engine.cancelled == ["a:1"]

    run_worked(scenario, engine)


def test_timings_add_up_to_the_time_since_the_request_came() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"))
        await world.settle()
        world.clock.now_s = 0.5
        engine.finish("a:0")
        end = await world.end_of("a")
        assert end.result is not None
        timings = end.result.images[0].timings
        assert (timings.encode_ms, timings.denoise_ms, timings.decode_ms) == (1.0, 20.0, 3.0)
        assert (timings.queue_ms, timings.total_ms) == (476.0, 500.0)

    run_worked(scenario, engine)


def test_the_service_rate_is_measured_over_the_time_with_work() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        assert world.worker.rate.images_per_s is None
        for start_s in (10.0, 100.0):
            world.clock.now_s = start_s
            await world.submit(job(f"{start_s}", images=2))
            await world.settle()
            world.clock.now_s = start_s + 4
            for k in range(2):
                engine.finish(f"{start_s}:{k}")
            await world.settle()
        rate = world.worker.rate.images_per_s
        assert rate is not None and 0.5 <= rate <= 0.55

    run_worked(scenario, engine)


def test_held_samples_of_a_real_fake_are_dropped_when_their_job_is_cancelled() -> None:
    hold = threading.Event()

    async def scenario(world: Worked) -> None:
        await world.submit(job("a", images=3))
        await world.settle()
        await world.queue.cancel("a")
        await world.until(lambda: world.counted("h2serve_images_total", end="dropped") == 3)
        hold.set()
        await world.submit(job("b"))
        assert (await world.end_of("b")).state is JobState.FINISHED
        assert (await world.end_of("a")).state is JobState.CANCELLED
        assert world.counted("h2serve_images_total", end="finished") == 1
        assert await world.results.get("a/0/token-0") is None

    run_worked(scenario, InstantEngine(hold=hold), terms=replace(TERMS, renew_each_s=0.01))
