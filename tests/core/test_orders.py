"""An order has everything of its request, and the worker brings the input images to it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from server.engine.interface import Engine, InputImages, SampleDropped, SampleFailed
from server.jobs.event import JobState
from server.orders import order_of
from server.request import InputKeys, Job, OutputFormat
from server.results.inputs import keep_inputs
from server.worker.inputs import INPUTS_GONE
from tests.core.hand_engine import HandEngine
from tests.core.worked import Worked, job, worked

FILES = {"a/in/0": b"first", "a/in/1": b"second", "a/in/mask": b"mask"}
KEYS = InputKeys(("a/in/0", "a/in/1"), "a/in/mask", 0.5)


def edit(job_id: str = "a", size: int = 1) -> Job:
    plain = job(job_id, size)
    return replace(plain, request=replace(plain.request, inputs=KEYS))


def run(scenario: Callable[[Worked], Awaitable[None]], engine: Engine) -> None:
    async def whole() -> None:
        async with worked(engine) as world:
            await scenario(world)

    asyncio.run(whole())


def test_an_order_has_everything_of_its_request() -> None:
    request = replace(
        edit().request, negative_prompt="b", true_cfg=2.5, text_length=9, output_format=OutputFormat.WEBP
    )
    order = order_of("a:3", request, 3, FILES)
    assert order.inputs == InputImages((b"first", b"second"), b"mask", 0.5)
    assert order.seed == request.seed + 3
    for name in ("prompt", "width", "height", "steps", "guidance", "cache", "output_format", "output_compression"):
        assert getattr(order, name) == getattr(request, name)
    assert (order.negative_prompt, order.true_cfg, order.text_length) == ("b", 2.5, 9)
    assert order_of("a:0", replace(request, inputs=None), 0, {}).inputs is None


async def is_kept(world: Worked) -> bool:
    return [await world.results.get(key) for key in FILES] == list(FILES.values())


async def is_gone(world: Worked) -> bool:
    return all([await world.results.get(key) is None for key in FILES])


def test_the_input_images_come_with_every_image_and_go_with_the_job() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await keep_inputs(world.results, FILES, 60.0)
        await world.submit(edit(size=2))
        await world.until(lambda: len(engine.orders) == 2)
        assert {order.inputs for order in engine.orders.values()} == {
            InputImages((b"first", b"second"), b"mask", 0.5)
        }
        engine.finish("a:0")
        await world.until(lambda: engine.places == 7)
        assert await is_kept(world)
        engine.finish("a:1")
        assert (await world.end_of("a")).state is JobState.FINISHED
        await world.settle()
        assert await is_gone(world)

    run(scenario, engine)


def test_a_job_whose_input_images_are_gone_fails_and_says_so() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await world.submit(edit(), job("b"))
        end = await world.end_of("a")
        assert (end.state, end.error) == (JobState.FAILED, INPUTS_GONE)
        await world.until(lambda: set(engine.orders) == {"b:0"})
        engine.finish("b:0")
        assert (await world.end_of("b")).state is JobState.FINISHED

    run(scenario, engine)


@pytest.mark.parametrize("fails", [True, False])
def test_a_job_that_fails_takes_its_input_images_along_and_one_that_is_handed_back_does_not(fails: bool) -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await keep_inputs(world.results, FILES, 60.0)
        await world.submit(edit())
        await world.until(lambda: "a:0" in engine.orders)
        if fails:
            engine.end(SampleFailed("a:0", "broken"))
            assert (await world.end_of("a")).state is JobState.FAILED
            await world.settle()
            assert await is_gone(world)
            return
        first = engine.orders["a:0"]
        engine.end(SampleDropped("a:0"))
        await world.until(lambda: engine.orders["a:0"] is not first)
        assert await is_kept(world)
        engine.finish("a:0")
        assert (await world.end_of("a")).state is JobState.FINISHED

    run(scenario, engine)


def test_a_job_that_is_cancelled_takes_its_input_images_along() -> None:
    engine = HandEngine()

    async def scenario(world: Worked) -> None:
        await keep_inputs(world.results, FILES, 60.0)
        await world.submit(edit())
        await world.until(lambda: "a:0" in engine.orders)
        await world.queue.cancel("a")
        await world.until(lambda: engine.cancelled == ["a:0"])
        await world.settle()
        assert await is_gone(world)

    run(scenario, engine)
