"""Jobs: submitted, looked at, listed, cancelled and answered, each end with the right code and hint."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from server.access.access import Access
from server.access.rates_memory import MemoryRates
from server.jobs.event import StepCounts
from server.jobs.lease import Progress
from tests.api.conftest import PROMPT, error_of
from tests.api.parts import next_lease
from tests.api.world import Keys, World, run


def test_a_job_is_answered_at_once_with_all_its_addresses() -> None:
    async def scenario(world: World) -> None:
        response = await world.submit(n=2)
        job = response.json()
        assert (response.status_code, job["state"], job["queue_position"]) == (202, "queued", 0)
        assert response.headers["location"] == job["status_url"] == f"http://api/v1/jobs/{job['id']}"
        assert response.headers["x-job-id"] == job["id"]
        assert (await world.client.get(job["status_url"])).json() == job
        assert job["result"] is None and job["error"] is None
        assert job["seconds_left"] == 1.0, "two images at two a second"

    run(scenario)


def test_a_generation_that_prefers_to_be_answered_later_is_a_job() -> None:
    async def scenario(world: World) -> None:
        response = await world.client.post(
            "/v1/images/generations", json={"prompt": PROMPT}, headers={"prefer": "wait=5, respond-async"}
        )
        assert (response.status_code, response.json()["object"]) == (202, "job")

    run(scenario)


def test_a_running_job_tells_its_steps_its_skips_and_how_long_it_will_take() -> None:
    async def scenario(world: World) -> None:
        job_id = (await world.submit()).json()["id"]
        lease = await next_lease(world.queue)
        await world.queue.progress([Progress(lease, 7, 28, StepCounts(4, 1, 2))])
        job = (await world.client.get(f"/v1/jobs/{job_id}")).json()
        assert (job["state"], job["step"], job["num_steps"]) == ("running", 7, 28)
        assert job["cache"] == {"full": 4, "detail_hits": 1, "structure_hits": 2}
        assert job["seconds_left"] == 2.7, "a step took 0.9 s / 7, and 21 are left"

    run(scenario)


def test_a_finished_job_has_the_answer_and_keeps_it() -> None:
    async def scenario(world: World) -> None:
        job = (await world.submit(n=2)).json()
        await world.finish(images=2)
        for _ in range(2):
            shown = (await world.client.get(job["status_url"])).json()
            answer = (await world.client.get(job["response_url"])).json()
            assert (shown["state"], shown["seconds_left"]) == ("finished", 0)
            assert shown["result"] == answer
            assert [image["b64_json"] for image in answer["data"]] == ["aW1hZ2U="] * 2

    run(scenario)


def test_a_job_without_an_end_is_answered_with_where_it_is_and_when_to_look_again() -> None:
    async def scenario(world: World) -> None:
        job = (await world.submit()).json()
        response = await world.client.get(job["response_url"])
        assert (response.status_code, response.json()["state"]) == (202, "queued")
        assert response.headers["retry-after"] == "1"

    run(scenario)


Bring = Callable[[World, str], Awaitable[object]]


async def fail(world: World, _: str) -> None:
    await world.queue.fail(await next_lease(world.queue), "broken")


async def cancel(world: World, job_id: str) -> None:
    await world.client.delete(f"/v1/jobs/{job_id}")


async def lose_thrice(world: World, _: str) -> None:
    for _attempt in range(3):
        await next_lease(world.queue)
        world.now_s += 16


async def pass_the_deadline(world: World, _: str) -> None:
    world.now_s += 1000


@pytest.mark.parametrize(
    ("bring", "state", "status", "code"),
    [
        (fail, "failed", 500, "generation_failed"),
        (cancel, "cancelled", 409, "cancelled"),
        (lose_thrice, "dead", 500, "job_dead"),
        (pass_the_deadline, "expired", 504, "deadline_exceeded"),
    ],
)
def test_each_end_without_an_image_has_its_code_and_is_not_to_be_repeated(
    bring: Bring, state: str, status: int, code: str
) -> None:
    async def scenario(world: World) -> None:
        job = (await world.submit(deadline_ms=100_000)).json()
        await bring(world, job["id"])
        shown = await world.client.get(job["status_url"])
        assert (shown.status_code, shown.json()["state"]) == (200, state)
        assert shown.json()["error"]["code"] == code
        response = await world.client.get(job["response_url"])
        assert (response.status_code, error_of(response)["code"]) == (status, code)
        assert response.headers["x-should-retry"] == "false"
        assert "retry-after" not in response.headers

    run(scenario)


def test_a_cancellation_may_be_repeated_and_leaves_a_finished_job_as_it_is() -> None:
    async def scenario(world: World) -> None:
        job = (await world.submit()).json()
        for _ in range(2):
            assert (await world.client.post(job["cancel_url"])).json()["state"] == "cancelled"
            assert (await world.client.delete(job["status_url"])).json()["state"] == "cancelled"
        job = (await world.submit()).json()
        await world.finish()
        response = await world.client.delete(job["status_url"])
        assert (response.status_code, response.json()["state"]) == (200, "finished")

    run(scenario)


@pytest.mark.parametrize("job_id", ["0" * 31, "0" * 32, "A" * 32, "x" * 32, "0" * 33, "%00", "..%2f..", "é" * 32])
def test_an_unknown_id_is_a_404_whatever_it_looks_like(job_id: str) -> None:
    async def scenario(world: World) -> None:
        for method, path in (("GET", ""), ("GET", "/result"), ("DELETE", ""), ("POST", "/cancel")):
            response = await world.client.request(method, f"/v1/jobs/{job_id}{path}")
            assert (response.status_code, error_of(response)["type"]) == (404, "invalid_request_error")

    run(scenario)


def test_anothers_job_is_a_404_and_on_no_list_of_mine_but_an_admin_may_see_it() -> None:
    async def scenario(world: World) -> None:
        mine, other, admin = ({"x-key": name} for name in ("mine", "other", "admin"))
        job_id = (await world.submit(headers=other)).json()["id"]
        for method, path in (("GET", ""), ("GET", "/result"), ("DELETE", ""), ("POST", "/cancel")):
            response = await world.client.request(method, f"/v1/jobs/{job_id}{path}", headers=mine)
            assert (response.status_code, error_of(response)["code"]) == (404, "job_not_found")
        assert (await world.client.get(f"/v1/jobs?after={job_id}", headers=mine)).status_code == 404
        assert (await world.client.get("/v1/jobs", headers=mine)).json()["data"] == []
        shown = await world.client.get(f"/v1/jobs/{job_id}", headers=admin)
        assert shown.json()["state"] == "queued", "the cancellations of a stranger did nothing"

    run(scenario, access=Access(MemoryRates(lambda: 0.0), Keys()))


def test_jobs_under_way_count_against_the_keys_bound_until_they_end() -> None:
    async def scenario(world: World) -> None:
        headers = {"x-key": "small"}
        assert (await world.submit(headers, n=2)).status_code == 202
        refused = await world.submit(headers)
        assert (refused.status_code, error_of(refused)["code"]) == (429, "rate_limited")
        await world.finish(images=2)
        for _ in range(10):
            await asyncio.sleep(0)
        assert (await world.submit(headers)).status_code == 202

    run(scenario, access=Access(MemoryRates(lambda: 0.0), Keys()))


def test_a_list_is_in_pages_newest_first() -> None:
    async def scenario(world: World) -> None:
        ids = [(await world.submit(seed=seed)).json()["id"] for seed in range(5)][::-1]
        page = (await world.client.get("/v1/jobs?limit=2")).json()
        assert ([job["id"] for job in page["data"]], page["has_more"]) == (ids[:2], True)
        assert (page["first_id"], page["last_id"]) == (ids[0], ids[1])
        assert all("result" not in job for job in page["data"])
        rest = (await world.client.get(f"/v1/jobs?limit=3&after={ids[1]}")).json()
        assert ([job["id"] for job in rest["data"]], rest["has_more"]) == (ids[2:], False)

    run(scenario)


@pytest.mark.parametrize("limit", ["0", "101", "x", "1.5", "-1", "9" * 400, "true"])
def test_a_wrong_limit_is_a_400_that_names_it(limit: str) -> None:
    async def scenario(world: World) -> None:
        response = await world.client.get(f"/v1/jobs?limit={limit}")
        assert (response.status_code, error_of(response)["param"]) == (400, "limit")

    run(scenario)
