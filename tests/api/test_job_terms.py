"""Terms of a job: its Idempotency-Key, its priority, its deadline, how it is to be answered."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.conftest import PROMPT, error_of
from tests.api.parts import next_lease
from tests.api.world import World, run


def test_the_same_key_and_body_are_one_job_and_another_body_a_conflict() -> None:
    async def scenario(world: World) -> None:
        key = {"idempotency-key": "abc"}
        first = (await world.submit(key, size="64x64", n=1)).json()["id"]
        again = (await world.submit(key, n=1, size="64x64")).json()["id"]
        assert first == again, "whatever the order of the keys"
        conflict = await world.submit(key, n=2)
        assert (conflict.status_code, error_of(conflict)["code"]) == (409, "idempotency_conflict")
        assert conflict.headers["x-should-retry"] == "false"
        assert len((await world.client.get("/v1/jobs")).json()["data"]) == 1

    run(scenario)


def test_a_request_that_is_repeated_with_its_key_gets_the_same_image_again() -> None:
    async def scenario(world: World) -> None:
        async def ask() -> httpx.Response:
            body = {"prompt": PROMPT}
            return await world.client.post("/v1/images/generations", json=body, headers={"idempotency-key": "abc"})

        first = asyncio.create_task(ask())
        await asyncio.sleep(0)
        lease = await world.finish()
        answers = [(await first).json(), (await ask()).json()]
        assert answers[0] == answers[1]
        assert answers[0]["id"] == lease.job.id

    run(scenario)


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_a_wrong_key_is_a_400(key: str) -> None:
    async def scenario(world: World) -> None:
        assert error_of(await world.submit({"idempotency-key": key}))["code"] == "invalid_value"

    run(scenario)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"priority": 11}, "priority"),
        ({"priority": 1.5}, "priority"),
        ({"deadline_ms": 0}, "deadline_ms"),
        ({"deadline_ms": 10**9}, "deadline_ms"),
        ({"response_format": "gif"}, "response_format"),
        ({"stream": True}, "stream"),
    ],
)
def test_a_wrong_term_is_a_400_that_names_it(body: dict[str, Any], param: str) -> None:
    async def scenario(world: World) -> None:
        response = await world.submit(**body)
        assert (response.status_code, error_of(response)["param"]) == (400, param)

    run(scenario)


def test_terms_reach_the_queue() -> None:
    async def scenario(world: World) -> None:
        await world.submit(priority=-3, deadline_ms=5000, response_format="url")
        job = (await next_lease(world.queue)).job
        assert (job.priority, job.deadline_ms, job.as_url, job.asynchronous) == (-3, 5000, True, True)

    run(scenario)
