"""Jobs, streams, addresses and BFL's shape, as a client sees them, are the same over memory and over Redis."""

import base64
from collections.abc import Mapping
from typing import Any

import httpx

from server.jobs.event import JobState
from tests.api.conftest import error_of, generate
from tests.cluster.processes import until
from tests.sse import events_in

STAR: Mapping[str, Any] = {"prompt": "a star", "size": "64x64", "num_inference_steps": 6, "seed": 7}


def finished(client: httpx.Client, **body: Any) -> dict[str, Any]:
    """A job that was submitted and has ended, watched to its end."""
    submitted = client.post("/v1/jobs", json={**STAR, **body})
    assert submitted.status_code == 202
    client.get(submitted.json()["events_url"])
    job: dict[str, Any] = client.get(submitted.json()["status_url"]).json()
    assert job["state"] == JobState.FINISHED.value
    return job


def test_a_watcher_that_comes_back_is_told_the_rest(client: httpx.Client) -> None:
    job = finished(client)
    told = events_in(client.get(job["events_url"]).text)
    assert [told[0].name, told[-1].name] == ["job.queued", "job.finished"]
    rest = client.get(job["events_url"], headers={"last-event-id": told[1].id or ""})
    assert events_in(rest.text) == told[2:]


def test_a_job_is_found_in_the_list_and_a_finished_one_is_not_cancelled(client: httpx.Client) -> None:
    older, newer = finished(client), finished(client)
    page = client.get("/v1/jobs", params={"limit": 1}).json()
    assert (page["first_id"], page["has_more"]) == (newer["id"], True)
    page = client.get("/v1/jobs", params={"limit": 1, "after": page["last_id"]}).json()
    assert page["first_id"] == older["id"]
    for _ in range(2):
        assert client.post(newer["cancel_url"]).json()["state"] == JobState.FINISHED.value


def test_one_key_is_one_job_and_another_body_under_it_a_conflict(client: httpx.Client) -> None:
    key = {"idempotency-key": "star-7"}
    first, second = [client.post("/v1/jobs", json=STAR, headers=key).json() for _ in range(2)]
    assert first["id"] == second["id"]
    other = client.post("/v1/jobs", json={**STAR, "seed": 8}, headers=key)
    assert other.status_code == 409
    assert (error_of(other)["code"], other.headers["x-should-retry"]) == ("idempotency_conflict", "false")


def test_a_stream_ends_with_the_image_that_the_same_request_is_answered_with(client: httpx.Client) -> None:
    plain = generate(client, **STAR).json()["data"][0]["b64_json"]
    streamed = generate(client, **STAR, stream=True, partial_images=3)
    *partials, completed = events_in(streamed.text)
    assert [event.data["partial_image_index"] for event in partials] == [0, 1, 2]
    assert completed.data["b64_json"] == plain


def test_a_signed_address_has_the_image_and_dies_with_its_signature(client: httpx.Client) -> None:
    plain = generate(client, **STAR).json()["data"][0]["b64_json"]
    url = generate(client, **STAR, response_format="url").json()["data"][0]["url"]
    assert client.get(url).content == base64.b64decode(plain)
    assert client.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 404


def test_bfls_client_polls_to_its_sample(client: httpx.Client) -> None:
    submitted = client.post(
        "/v1/flux-nano", json={"prompt": "a star", "width": 64, "height": 64, "seed": 7}
    ).json()
    until(lambda: client.get(submitted["polling_url"]).json()["status"] == "Ready")
    sample = client.get(client.get(submitted["polling_url"]).json()["result"]["sample"])
    assert sample.headers["content-type"] == "image/jpeg"


def test_two_jobs_images_are_compared(client: httpx.Client) -> None:
    one, same, other = finished(client), finished(client), finished(client, seed=8)
    pairs = [{"image": job["id"], "reference": one["id"]} for job in (same, other)]
    assert [client.post("/v1/compare", json=pair).json()["equal"] for pair in pairs] == [True, False]


def test_what_is_asked_for_later_is_answered_with_its_job(client: httpx.Client) -> None:
    answer = client.post("/v1/images/generations", json=STAR, headers={"prefer": "respond-async"})
    assert (answer.status_code, answer.json()["object"]) == (202, "job")
