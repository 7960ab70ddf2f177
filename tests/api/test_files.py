"""Images by their addresses, and stored images that are gone or are not those that were made."""

import hashlib
from dataclasses import replace

import pytest

from server.access.access import Access
from server.access.rates_memory import MemoryRates
from server.request import JobResult
from tests.api.conftest import PROMPT, error_of
from tests.api.parts import client_of, next_lease, result_of
from tests.api.world import IMAGE, Keys, World, run


def test_an_address_of_an_image_needs_no_key_and_dies_with_time() -> None:
    async def scenario(world: World) -> None:
        now_s = [1000.0]
        signer = replace(world.parts.signer, wall_clock=lambda: now_s[0])
        parts = replace(world.parts, signer=signer)
        async with client_of(parts) as client:
            submitted = await client.post(
                "/v1/jobs", json={"prompt": PROMPT, "response_format": "url"}, headers={"x-key": "mine"}
            )
            await world.finish()
            shown = await client.get(submitted.json()["status_url"], headers={"x-key": "mine"})
            (image,) = shown.json()["result"]["data"]
            assert "b64_json" not in image
            fetched = await client.get(image["url"])
            assert (fetched.content, fetched.headers["content-type"]) == (IMAGE, "image/png")
            for wrong in ("image=1&", "image=x&", "image=-1&", "expires=9&", "expires=1e9&", "signature=0&"):
                changed = image["url"].replace(wrong.split("=")[0] + "=", wrong + "x=")
                assert (await client.get(changed)).status_code == 401, changed
            other = image["url"].replace(submitted.json()["id"], "0" * 32)
            assert (await client.get(other)).status_code == 401
            now_s[0] = 1601.0
            gone = await client.get(image["url"])
            assert (gone.status_code, error_of(gone)["code"]) == (410, "expired")

    run(scenario, access=Access(MemoryRates(lambda: 0.0), Keys()))


def test_an_image_that_is_no_longer_stored_is_a_410_by_its_address_and_its_job() -> None:
    async def scenario(world: World) -> None:
        job = (await world.submit(response_format="url")).json()
        await world.finish()
        answer = (await world.client.get(job["response_url"])).json()
        await world.parts.results.delete("key-0")
        assert (await world.client.get(answer["data"][0]["url"])).status_code == 410
        job = (await world.submit()).json()
        await world.finish()
        await world.parts.results.delete("key-0")
        assert (await world.client.get(job["response_url"])).status_code == 410
        assert (await world.client.get(job["status_url"])).json()["result"] is None

    run(scenario)


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("images.example:8000", "http://images.example:8000"),
        ("a/b", ""),
        ("a?x", ""),
        ("[::1]:80", "http://[::1]:80"),
    ],
)
def test_addresses_begin_with_the_host_that_was_called_if_it_is_one(host: str, base: str) -> None:
    async def scenario(world: World) -> None:
        job = (await world.submit({"host": host})).json()
        assert job["status_url"] == f"{base}/v1/jobs/{job['id']}"

    run(scenario)


async def made_other_than_promised(world: World, **body: str) -> str:
    """The id of a finished job whose stored image has been exchanged."""
    job_id: str = (await world.submit(None, **body)).json()["id"]
    lease = await next_lease(world.queue)
    (image,) = result_of(lease).images
    image = replace(image, result_key=job_id, sha256=hashlib.sha256(IMAGE).hexdigest())
    await world.queue.finish(lease, JobResult((image,)))
    await world.parts.results.put(job_id, b"another image", 60.0)
    return job_id


def test_no_reader_hands_out_an_image_of_another_digest_than_was_promised() -> None:
    async def scenario(world: World) -> None:
        whole = await made_other_than_promised(world)
        by_url = await made_other_than_promised(world, response_format="url")
        answer = (await world.client.get(f"/v1/jobs/{by_url}/result")).json()
        compared = {"image": whole, "reference": whole}
        for response in (
            await world.client.get(f"/v1/jobs/{whole}/result"),
            await world.client.get(answer["data"][0]["url"]),
            await world.client.post("/v1/compare", json=compared),
        ):
            assert (response.status_code, error_of(response)["code"]) == (500, "generation_failed")
            assert b"another" not in response.content
        await world.parts.results.put(by_url, IMAGE, 60.0)
        assert (await world.client.get(answer["data"][0]["url"])).content == IMAGE

    run(scenario)
