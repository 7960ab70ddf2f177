"""A job's events and a streamed answer: all of them, in order, resumable, and with an end."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.types import Message

from server.api.router import create_api
from server.api.sse import EventStream, ServerEvent
from server.jobs.event import JobState, PartialImage, StepCounts
from server.jobs.lease import Lease, Progress
from tests.api.conftest import PROMPT, error_of
from tests.api.parts import next_lease
from tests.api.world import World, run
from tests.sse import events_in


async def step(world: World, lease: Lease, done: int, partial: PartialImage | None = None) -> None:
    if partial is not None:
        await world.parts.results.put(partial.key, b"preview", 60.0)
    await world.queue.progress([Progress(lease, done, 28, StepCounts(done, 0, 0), partial)])


async def a_job_with_events(world: World) -> str:
    job_id: str = (await world.submit()).json()["id"]
    lease = await next_lease(world.queue)
    await step(world, lease, 9, PartialImage(0, "blob", 0))
    await world.finish(lease)
    return job_id


def test_a_jobs_events_are_its_whole_life_with_the_result_at_the_end() -> None:
    async def scenario(world: World) -> None:
        job_id = await a_job_with_events(world)
        response = await world.client.get(f"/v1/jobs/{job_id}/events")
        assert response.headers["content-type"].startswith("text/event-stream")
        told = events_in(response.text)
        kinds = ["queued", "started", "step", "partial_image", "finished"]
        assert [event.name for event in told] == [event.data["type"] for event in told]
        assert [event.name for event in told] == [f"job.{kind}" for kind in kinds]
        assert {event.data["job_id"] for event in told} == {job_id}
        assert told[2].data["step"] == 9 and told[2].data["cache"]["full"] == 9
        assert (told[3].data["partial_image_index"], told[3].data["b64_json"]) == (0, "cHJldmlldw==")
        assert told[4].data["job"] == (await world.client.get(f"/v1/jobs/{job_id}")).json()

    run(scenario)


def test_a_watcher_that_comes_back_goes_on_behind_the_event_that_it_saw() -> None:
    async def scenario(world: World) -> None:
        path = f"/v1/jobs/{await a_job_with_events(world)}/events"
        whole = events_in((await world.client.get(path)).text)
        for place, seen in enumerate(whole):
            rest = await world.client.get(path, headers={"last-event-id": seen.id or ""})
            assert events_in(rest.text) == whole[place + 1 :]
        for odd in ("x", "9" * 100, "-1", "1\x00"):
            assert events_in((await world.client.get(path, headers={"last-event-id": odd})).text) == whole

    run(scenario)


def test_events_of_an_unknown_job_are_a_404() -> None:
    async def scenario(world: World) -> None:
        response = await world.client.get(f"/v1/jobs/{'0' * 32}/events")
        assert (response.status_code, error_of(response)["code"]) == (404, "job_not_found")

    run(scenario)


def test_a_stream_ends_with_the_server() -> None:
    async def scenario(world: World) -> None:
        job_id = (await world.submit()).json()["id"]
        watching = asyncio.create_task(world.client.get(f"/v1/jobs/{job_id}/events"))
        await asyncio.sleep(0.05)
        await world.queue.close()
        last = events_in((await watching).text)[-1]
        assert (last.name, last.data["error"]["code"]) == ("error", "not_ready")

    run(scenario)


def test_a_stream_without_events_shows_a_sign_of_life() -> None:
    async def scenario(world: World) -> None:
        job_id = (await world.submit()).json()["id"]
        watching = asyncio.create_task(world.client.get(f"/v1/jobs/{job_id}/events"))
        await asyncio.sleep(0.1)
        await world.finish()
        assert (await watching).text.count(": still here\n\n") >= 2

    run(scenario, heartbeat_s=0.01)


def stream(world: World, **body: Any) -> "asyncio.Task[httpx.Response]":
    body = {"prompt": PROMPT, "stream": True, **body}
    return asyncio.create_task(world.client.post("/v1/images/generations", json=body))


Headers = list[tuple[bytes, bytes]]
KEY = [(b"idempotency-key", b"k")]
COMMON = {"type", "created_at", "background", "output_format", "quality", "size", "b64_json"}


def test_a_streamed_answer_is_its_previews_and_then_the_image() -> None:
    async def scenario(world: World) -> None:
        asking = stream(world, partial_images=2, quality="low")
        lease = await next_lease(world.queue)
        assert lease.job.request.partial_images == 2
        for number in range(2):
            await step(world, lease, 9 * (number + 1), PartialImage(0, f"blob-{number}", number))
        await world.finish(lease)
        response = await asking
        assert response.headers["x-job-id"] == lease.job.id
        *partials, completed = events_in(response.text)
        for number, partial in enumerate(partials):
            assert partial.name == partial.data["type"] == "image_generation.partial_image"
            assert set(partial.data) == COMMON | {"partial_image_index"}
            assert partial.data["partial_image_index"] == number
        assert len(partials) == 2
        assert completed.name == completed.data["type"] == "image_generation.completed"
        assert COMMON | {"usage", "seed", "cache", "timings", "id", "model"} == set(completed.data)
        assert completed.data["b64_json"] == "aW1hZ2U="
        assert (completed.data["background"], completed.data["quality"]) == ("opaque", "low")
        assert completed.data["usage"]["input_tokens_details"] == {"image_tokens": 0, "text_tokens": 9}

    run(scenario)


def test_a_preview_that_a_second_worker_shows_again_is_told_once() -> None:
    async def scenario(world: World) -> None:
        asking = stream(world, partial_images=1)
        lease = await next_lease(world.queue)
        await step(world, lease, 14, PartialImage(0, "blob", 0))
        await world.queue.release(lease)
        lease = await next_lease(world.queue)
        await step(world, lease, 14, PartialImage(0, "other", 0))
        await world.finish(lease)
        names = [event.name.split(".")[1] for event in events_in((await asking).text)]
        assert names == ["partial_image", "completed"]

    run(scenario)


def test_a_stream_whose_job_fails_ends_with_the_error() -> None:
    async def scenario(world: World) -> None:
        asking = stream(world)
        await world.queue.fail(await next_lease(world.queue), "broken")
        (event,) = events_in((await asking).text)
        assert (event.name, event.data["error"]["code"]) == ("error", "generation_failed")
        assert set(event.data["error"]) == {"message", "type", "param", "code"}

    run(scenario)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"n": 2}, "n"),
        ({"partial_images": 4}, "partial_images"),
        ({"partial_images": -1}, "partial_images"),
        ({"partial_images": True}, "partial_images"),
        ({"response_format": "url"}, "response_format"),
    ],
)
def test_what_cannot_be_streamed_is_a_400_that_names_it(body: dict[str, Any], param: str) -> None:
    async def scenario(world: World) -> None:
        response = await stream(world, **body)
        assert (response.status_code, error_of(response)["param"]) == (400, param)
        assert (await world.queue.depth()).images_waiting == 0

    run(scenario)


def test_previews_that_nobody_would_see_are_not_made() -> None:
    async def scenario(world: World) -> None:
        asking = stream(world, partial_images=3, stream=False)
        lease = await world.finish()
        assert lease.job.request.partial_images == 0
        assert (await asking).status_code == 200
        await world.submit(partial_images=3)
        assert (await next_lease(world.queue)).job.request.partial_images == 3

    run(scenario)


async def call(app: Any, body: bytes, headers: Headers, messages: "asyncio.Queue[Message]") -> None:
    """One request by hand; ``messages`` are what the server hears of the client after the body."""
    first = [{"type": "http.request", "body": body, "more_body": False}]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/images/generations",
        "raw_path": b"/v1/images/generations",
        "query_string": b"",
        "headers": [(b"host", b"x"), *headers],
        "scheme": "http",
        "http_version": "1.1",
    }

    async def receive() -> Message:
        return first.pop() if first else await messages.get()

    async def send(_: Message) -> None:
        await asyncio.sleep(0)

    await app(scope, receive, send)


@pytest.mark.parametrize("streamed", [b"true", b"false"])
@pytest.mark.parametrize(("key", "state"), [([], JobState.CANCELLED), (KEY, JobState.RUNNING)])
def test_a_hang_up_cancels_at_once_unless_a_key_lets_the_client_come_back(
    streamed: bytes, key: Headers, state: JobState
) -> None:
    async def scenario(world: World) -> None:
        messages: asyncio.Queue[Message] = asyncio.Queue()
        body = b'{"prompt": "a star", "stream": ' + streamed + b"}"
        asking = asyncio.create_task(call(create_api(world.parts), body, key, messages))
        lease = await next_lease(world.queue)
        await asyncio.sleep(0.02)
        await messages.put({"type": "http.disconnect"})
        await asking
        status = await world.queue.status(lease.job.id)
        assert status is not None and status.state is state
        if key:
            world.now_s += 31
            status = await world.queue.status(lease.job.id)
            assert status is not None and status.state is JobState.CANCELLED, "the grace time has passed"

    run(scenario)


def test_the_last_of_two_waiters_takes_the_job_along() -> None:
    async def scenario(world: World) -> None:
        app = create_api(world.parts)
        clients: list[asyncio.Queue[Message]] = [asyncio.Queue(), asyncio.Queue()]
        asking = [asyncio.create_task(call(app, b'{"prompt": "a star"}', KEY, client)) for client in clients]
        lease = await next_lease(world.queue)
        await asyncio.sleep(0.02)
        await clients[0].put({"type": "http.disconnect"})
        await asking[0]
        world.now_s += 5
        await world.queue.renew([lease])
        world.now_s += 11
        await world.queue.renew([lease])
        status = await world.queue.status(lease.job.id)
        assert status is not None and status.state is JobState.RUNNING
        await clients[1].put({"type": "http.disconnect"})
        await asking[1]

    run(scenario)


def test_a_client_that_does_not_read_is_let_go() -> None:
    left: list[str] = []

    async def events() -> Any:
        for number in range(10):
            yield ServerEvent("x", {"number": number})

    async def hung_up() -> None:
        left.append("hung up")

    async def never() -> Any:
        await asyncio.Event().wait()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def scenario() -> None:
        stream = EventStream(events(), 15.0, hung_up, stalled_after_s=0.01)
        await stream({}, never, send)

    asyncio.run(scenario())
    assert left == ["hung up"]
