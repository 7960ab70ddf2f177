"""Images under way are bounded in pixels too, and a large job gets its turn."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from server.engine.fake import InstantEngine
from server.jobs.event import JobState
from server.jobs.fit import num_that_fit
from server.request import Job
from tests.api.conftest import error_of, generate
from tests.core.hand_engine import HandEngine
from tests.core.worked import TERMS, Worked, job, run_worked
from tests.live import live_server

ONE = 64 * 96
"""Pixels of an image of ``job``."""


def large(job_id: str, times: int, images: int = 1) -> Job:
    plain = job(job_id, images)
    return replace(plain, request=replace(plain.request, width=times * plain.request.width))


@given(st.integers(0, 9), st.integers(1, 9), st.integers(0, 30), st.none() | st.integers(1, 30))
def test_what_is_given_to_an_engine_fits_its_places_and_its_pixels(
    free: int, pixels: int, held: int, most: int | None
) -> None:
    count = num_that_fit(free, pixels, held, most)
    assert 0 <= count <= free
    if most is None:
        assert count == free
    elif count > int(held == 0):
        assert held + count * pixels <= most
    if free and not held:
        assert count, "an empty engine is never left idle"


def test_a_worker_holds_no_more_pixels_than_it_says() -> None:
    engine = HandEngine(places=8)

    async def scenario(world: Worked) -> None:
        assert world.worker.info.most_pixels == 4 * ONE
        await world.submit(job("a", images=3), large("b", 2), job("c"))
        await world.settle()
        assert list(engine.orders) == ["a:0", "a:1", "a:2", "c:0"], "b has no room, and c overtakes it"
        engine.finish("a:0")
        await world.settle()
        assert "b:0" not in engine.orders
        engine.finish("a:1")
        await world.until(lambda: "b:0" in engine.orders)

    run_worked(scenario, engine, replace(TERMS, most_pixels=4 * ONE))


def test_a_job_of_more_images_than_there_are_pixels_for_is_fed_as_they_come_free() -> None:
    engine = HandEngine(places=8)

    async def scenario(world: Worked) -> None:
        await world.submit(job("a", images=4), job("b"))
        await world.settle()
        assert list(engine.orders) == ["a:0", "a:1"]
        for name in ("a:0", "a:1"):
            engine.finish(name)
        await world.until(lambda: list(engine.orders)[2:] == ["a:2", "a:3"])
        for name in ("a:2", "a:3"):
            engine.finish(name)
        await world.until(lambda: "b:0" in engine.orders)
        engine.finish("b:0")
        assert (await world.end_of("a")).state is JobState.FINISHED

    run_worked(scenario, engine, replace(TERMS, most_pixels=2 * ONE))


def test_an_overtaken_job_gets_its_room_when_its_patience_is_over() -> None:
    engine = HandEngine(places=8)

    async def scenario(world: Worked) -> None:
        await world.submit(job("a"), large("b", 2), job("c"))
        await world.settle()
        assert list(engine.orders) == ["a:0", "c:0"]
        world.clock.now_s += 11
        await world.submit(job("d"))
        engine.finish("a:0")
        await world.settle()
        assert "d:0" not in engine.orders, "the worker keeps its room for b"
        engine.finish("c:0")
        await world.until(lambda: "b:0" in engine.orders)
        assert "d:0" not in engine.orders

    run_worked(scenario, engine, replace(TERMS, most_pixels=2 * ONE))


def test_an_image_that_no_worker_can_hold_is_refused_with_the_limit() -> None:
    with live_server(InstantEngine, max_pixels=128 * 128) as client:
        assert generate(client, size="128x128").status_code == 200
        refused = generate(client, size="144x128")
        error = error_of(refused)
        assert (refused.status_code, error["param"]) == (400, "size")
        assert "144x128" in error["message"] and str(128 * 128) in error["message"]
        assert client.get("/v1/jobs").json()["data"][0]["state"] == "finished"
