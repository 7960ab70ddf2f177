"""A job's end is told to its webhook, whatever the end, and only where webhooks are on."""

import asyncio
import json
from typing import Any

import pytest

from server.app_access import webhooks_of
from server.errors import SettingsError
from server.webhooks.outbox import ForgetfulOutbox
from server.webhooks.signing import signed_headers
from tests.api.conftest import PROMPT, error_of
from tests.api.parts import next_lease
from tests.api.world import World, run
from tests.live import settings_for_tests
from tests.webhooks.receiver import KEY, Receiver

HOOK: dict[str, Any] = {"webhook_url": "https://hooks.example/done"}
ASYNC = {"prefer": "respond-async"}
SECRET = "whsec_" + "QUFB" * 11


async def told(receiver: Receiver, count: int = 1) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while len(receiver.requests) < count:
            await asyncio.sleep(0.01)
    said: dict[str, Any] = json.loads(receiver.requests[-1].content)
    return said


def test_a_finished_job_is_told_with_addresses_and_signed() -> None:
    receiver = Receiver()

    async def scenario(world: World) -> None:
        job_id = (await world.submit(**HOOK)).json()["id"]
        await world.finish()
        said = await told(receiver)
        assert (said["type"], said["data"]["id"], said["data"]["state"]) == ("job.finished", job_id, "finished")
        (image,) = said["data"]["result"]["data"]
        assert "b64_json" not in image
        assert (await world.client.get(image["url"])).content == b"image"
        (request,) = receiver.requests
        expected = signed_headers(KEY, job_id, 1000, request.content)
        assert {name: request.headers[name] for name in expected} == expected

    run(scenario, webhooks=receiver.webhooks())


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_another_end_is_told_too(end: str) -> None:
    receiver = Receiver([503])

    async def scenario(world: World) -> None:
        job_id = (await world.submit(**HOOK)).json()["id"]
        if end == "failed":
            await world.queue.fail(await next_lease(world.queue), "broken")
        else:
            await world.client.delete(f"/v1/jobs/{job_id}")
        said = await told(receiver, 2)
        assert (said["type"], said["data"]["result"]) == (f"job.{end}", None)
        assert len(receiver.waits) == 1

    run(scenario, webhooks=receiver.webhooks())


def test_bfls_shape_and_a_request_for_later_are_told_and_a_repeated_submit_is_told_once() -> None:
    receiver = Receiver()

    async def scenario(world: World) -> None:
        body = {"prompt": PROMPT, **HOOK}
        await world.client.post("/v1/flux-nano", json=body)
        await world.finish()
        await told(receiver)
        for _ in range(2):
            await world.client.post("/v1/images/generations", json=body, headers={**ASYNC, "idempotency-key": "k"})
        await world.finish()
        await told(receiver, 2)
        await asyncio.sleep(0.05)
        assert len(receiver.requests) == 2

    run(scenario, webhooks=receiver.webhooks())


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/jobs", {"webhook_url": "https://elsewhere.example/"}, "webhook_url"),
        ("/v1/jobs", {"webhook_url": "https://hooks.example/" + "x" * 2048}, "webhook_url"),
        ("/v1/jobs", {"webhook_url": 7}, "webhook_url"),
        ("/v1/images/generations", HOOK, "webhook_url"),
        ("/v1/flux-nano", {"webhook_url": "http://169.254.169.254/"}, "webhook_url"),
        ("/v1/flux-nano", {**HOOK, "webhook_secret": "mine"}, "webhook_secret"),
    ],
)
def test_what_is_not_told_is_a_400_and_no_job(path: str, body: dict[str, Any], param: str) -> None:
    async def scenario(world: World) -> None:
        response = await world.client.post(path, json={"prompt": PROMPT, **body})
        assert (response.status_code, error_of(response)["param"]) == (400, param)
        assert (await world.queue.depth()).jobs_waiting == 0

    run(scenario, webhooks=Receiver().webhooks())


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/flux-nano", "/v1/images/generations"])
def test_webhooks_are_off_by_default_and_then_refused_rather_than_forgotten(path: str) -> None:
    assert webhooks_of(settings_for_tests(), ForgetfulOutbox()) is None

    async def scenario(world: World) -> None:
        response = await world.client.post(path, json={"prompt": PROMPT, **HOOK}, headers=ASYNC)
        assert (response.status_code, error_of(response)["param"]) == (400, "webhook_url")

    run(scenario)


def test_settings_without_a_secret_or_an_address_of_ones_own_are_an_error() -> None:
    origins, public = {"webhook_origins": "https://hooks.example"}, {"public_url": "https://images.example"}
    for changes, said in ((origins, "needs public_url"), ({**origins, **public}, "secret is not")):
        with pytest.raises(SettingsError, match=said):
            webhooks_of(settings_for_tests(**changes), ForgetfulOutbox())
    whole = settings_for_tests(**origins, **public, webhook_secret=SECRET)
    assert webhooks_of(whole, ForgetfulOutbox()) is not None


def test_a_server_that_stops_tells_no_end_that_was_none() -> None:
    receiver = Receiver()

    async def scenario(world: World) -> None:
        await world.submit(**HOOK)
        await world.queue.close()
        await asyncio.sleep(0.05)
        assert receiver.requests == []

    run(scenario, webhooks=receiver.webhooks())
