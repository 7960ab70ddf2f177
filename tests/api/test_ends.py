"""However a job ends, its request is answered once, in the right words, and the server goes on."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from server.api.parts import ApiParts
from server.jobs.event import JobState
from server.jobs.memory import MemoryQueue
from server.jobs.submit import Bounds, Once, PutAnswer
from server.request import Job
from tests.api.conftest import PROMPT, error_of
from tests.api.parts import PATIENCE_S, api_parts, client_of, new_queue, next_lease, result_of

Ending = Callable[[MemoryQueue, ApiParts], Coroutine[Any, Any, None]]


async def ask(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.post("/v1/images/generations", json={"prompt": PROMPT, **body})


def answer_when(end: Ending, parts: ApiParts, queue: MemoryQueue, **body: Any) -> httpx.Response:
    """What a request is answered with whose job is brought to its end by ``end``."""

    async def run() -> httpx.Response:
        async with client_of(parts) as client:
            asking = asyncio.create_task(ask(client, **body))
            await end(queue, parts)
            return await asyncio.wait_for(asking, PATIENCE_S)

    return asyncio.run(run())


def test_a_job_that_somebody_else_cancels_is_a_409_that_is_not_to_be_repeated() -> None:
    async def cancel(queue: MemoryQueue, _: ApiParts) -> None:
        await queue.cancel((await next_lease(queue)).job.id)

    queue = new_queue()
    response = answer_when(cancel, api_parts(queue), queue)
    assert (response.status_code, error_of(response)["code"]) == (409, "cancelled")
    assert response.headers["x-should-retry"] == "false"


def test_the_engines_words_reach_the_client_within_the_envelopes_bounds() -> None:
    async def fail(queue: MemoryQueue, _: ApiParts) -> None:
        await queue.fail(await next_lease(queue), 'broken "\\\n\x1bé' * 500)

    queue = new_queue()
    response = answer_when(fail, api_parts(queue), queue)
    assert (response.status_code, error_of(response)["code"]) == (500, "generation_failed")
    assert error_of(response)["message"].startswith("broken")
    assert response.headers["x-should-retry"] == "false"


def test_a_queue_that_closes_is_a_503_that_says_when_to_return() -> None:
    async def close(queue: MemoryQueue, _: ApiParts) -> None:
        await next_lease(queue)
        await queue.close()

    queue = new_queue()
    response = answer_when(close, api_parts(queue), queue)
    assert (response.status_code, error_of(response)["code"]) == (503, "not_ready")
    assert int(response.headers["retry-after"]) > 0
    assert response.headers["x-job-id"] == "0" * 31 + "1"


def test_an_image_that_is_no_longer_stored_is_a_410_that_is_not_to_be_repeated() -> None:
    async def finish(queue: MemoryQueue, _: ApiParts) -> None:
        lease = await next_lease(queue)
        await queue.finish(lease, result_of(lease))

    queue = new_queue()
    response = answer_when(finish, api_parts(queue), queue)
    assert (response.status_code, error_of(response)["code"]) == (410, "expired")
    assert response.headers["x-should-retry"] == "false"


def test_an_answer_sums_counts_and_tells_the_times_of_the_image_that_was_ready_last() -> None:
    async def finish(queue: MemoryQueue, parts: ApiParts) -> None:
        lease = await next_lease(queue)
        for index in range(2):
            await parts.results.put(f"key-{index}", b"image", 60.0)
        await queue.finish(lease, result_of(lease, total_ms=(90.0, 40.0), nonfinite=True))

    queue = new_queue()
    parts = api_parts(queue)
    answer = answer_when(finish, parts, queue, n=2).json()
    assert answer["created"] == 1000
    assert answer["timings"] == {
        "queue_ms": 1.0,
        "encode_ms": 2.0,
        "denoise_ms": 84.0,
        "decode_ms": 3.0,
        "total_ms": 90.0,
    }
    counts = {"steps": 8, "full": 4, "detail_hits": 2, "structure_hits": 2, "blocks_run": 60, "blocks_total": 120}
    assert answer["cache"] == {
        "preset": "balanced",
        "tau1": parts.profile.presets["balanced"].tau1,
        "tau2": parts.profile.presets["balanced"].tau2,
        "method": "default",
        **counts,
        "flops_ratio": 0.375,
        "nonfinite": True,
    }
    assert answer["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"text_tokens": 9, "image_tokens": 0},
        "output_tokens": 128,
        "total_tokens": 137,
    }
    assert asyncio.run(parts.results.get("key-0")) is None, "an answered image is not kept"


def test_a_drawn_seed_leaves_room_for_the_seeds_of_all_images() -> None:
    async def finish(queue: MemoryQueue, parts: ApiParts) -> None:
        lease = await next_lease(queue)
        for index in range(3):
            await parts.results.put(f"key-{index}", b"image", 60.0)
        await queue.finish(lease, result_of(lease, total_ms=(50.0,) * 3))

    queue = new_queue()
    answer = answer_when(finish, api_parts(queue, seed=2**53 - 1), queue, n=3).json()
    assert [entry["seed"] for entry in answer["data"]] == [2**53 - 3, 2**53 - 2, 2**53 - 1]


class BrokenQueue(MemoryQueue):
    """A queue whose store is broken while ``broken``."""

    broken = True

    async def put(
        self, job: Job, bounds: Bounds, once: Once | None = None, waiter: str | None = None
    ) -> PutAnswer:
        if self.broken:
            raise RuntimeError("the password is hunter2")
        return await super().put(job, bounds, once, waiter)


def test_a_surprise_is_a_500_that_says_nothing_of_it_and_the_next_request_is_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = BrokenQueue(lambda: "token", lambda: 1000.0)

    async def run() -> httpx.Response:
        async with client_of(api_parts(queue)) as client:
            surprised = await ask(client)
            queue.broken = False
            asking = asyncio.create_task(ask(client))
            await queue.cancel((await next_lease(queue)).job.id)
            assert (await asking).status_code == 409
            return surprised

    response = asyncio.run(run())
    assert (response.status_code, error_of(response)["code"]) == (500, "internal_error")
    assert "hunter2" not in response.text
    assert "hunter2" in caplog.text, "the log has what the client must not see"


def test_a_request_that_is_torn_down_from_within_cancels_nothing() -> None:
    async def run() -> JobState | None:
        queue = new_queue()
        async with client_of(api_parts(queue)) as client:
            asking = asyncio.create_task(ask(client))
            lease = await next_lease(queue)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            status = await queue.status(lease.job.id)
            return None if status is None else status.state

    assert asyncio.run(run()) is JobState.RUNNING


@pytest.mark.parametrize("reason", ["the server is loading", "the server is draining"])
def test_a_server_that_is_not_ready_says_so_and_takes_nothing(reason: str) -> None:
    async def run() -> list[httpx.Response]:
        queue = new_queue()
        async with client_of(api_parts(queue, not_ready=lambda: reason)) as client:
            responses = [await client.get("/readyz"), await client.get("/startupz"), await ask(client)]
            assert (await client.get("/livez")).status_code == 200
            assert (await ask(client, n=0)).status_code == 400, "a wrong request is wrong at any time"
            assert (await queue.depth()).images_waiting == 0
            return responses

    for response in asyncio.run(run()):
        assert (response.status_code, error_of(response)["code"]) == (503, "not_ready")
        assert int(response.headers["retry-after"]) > 0


def test_a_request_that_is_refused_says_at_the_measured_rate_when_to_return() -> None:
    async def run() -> httpx.Response:
        queue = new_queue()
        async with client_of(api_parts(queue)) as client:
            asking = asyncio.create_task(ask(client, n=10))
            while (await queue.depth()).images_waiting < 10:
                await asyncio.sleep(0)
            refused = await ask(client, n=10)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            return refused

    response = asyncio.run(run())
    assert (response.status_code, error_of(response)["code"]) == (429, "queue_full")
    assert response.headers["retry-after"] == "2", "four images too many, two images a second"
