"""A client of BFL's API, written from its public description, is served as it expects."""

from typing import Any

import pytest

from server.access.access import Access
from server.access.rates_memory import MemoryRates
from server.api.sizes import resolve_size
from server.jobs.lease import Progress
from server.request import OutputFormat
from tests.api.conftest import PROMPT, error_of
from tests.api.parts import next_lease
from tests.api.world import IMAGE, Keys, World, run


async def submit(world: World, model: str = "flux-nano", key: str = "mine", **body: Any) -> dict[str, Any]:
    response = await world.client.post(f"/v1/{model}", json={"prompt": PROMPT, **body}, headers={"x-key": key})
    assert response.status_code == 200
    submitted: dict[str, Any] = response.json()
    assert set(submitted) == {"id", "polling_url"}
    return submitted


async def look(world: World, url: str, key: str = "mine") -> dict[str, Any]:
    said: dict[str, Any] = (await world.client.get(url, headers={"x-key": key})).json()
    return said


def test_a_client_polls_until_it_is_ready_and_fetches_its_sample_without_a_key() -> None:
    async def scenario(world: World) -> None:
        submitted = await submit(world, seed=7)
        url = submitted["polling_url"]
        assert url == f"http://api/v1/get_result?id={submitted['id']}"
        said = await look(world, url)
        assert (said["id"], said["status"], said["result"]) == (submitted["id"], "Pending", None)
        lease = await next_lease(world.queue)
        await world.queue.progress([Progress(lease, 7, 28)])
        said = await look(world, url)
        assert (said["status"], said["progress"]) == ("Pending", 0.25)
        await world.finish(lease)
        said = await look(world, url)
        assert (said["status"], said["progress"]) == ("Ready", 1.0)
        assert (said["result"]["prompt"], said["result"]["seed"]) == (PROMPT, 7)
        fetched = await world.client.get(said["result"]["sample"])
        assert (fetched.content, fetched.headers["content-type"]) == (IMAGE, "image/jpeg")

    run(scenario, access=Access(MemoryRates(lambda: 0.0), Keys()))


def test_absent_fields_are_the_served_models_own_defaults_and_given_ones_are_taken() -> None:
    async def scenario(world: World) -> None:
        await submit(world)
        wanted, profile = (await next_lease(world.queue)).job.request, world.parts.profile
        assert (wanted.width, wanted.height) == resolve_size(None, profile)
        assert (wanted.steps, wanted.guidance) == (profile.default_steps, profile.default_guidance)
        assert wanted.output_format is OutputFormat.JPEG
        given: dict[str, Any] = {
            "width": 64,
            "height": 96,
            "steps": 5,
            "guidance": 2.5,
            "output_format": "png",
            "cache": "fast",
        }
        await submit(world, "nano", safety_tolerance=2, prompt_upsampling=False, image_prompt=None, **given)
        wanted = (await next_lease(world.queue)).job.request
        assert (wanted.width, wanted.height, wanted.steps, wanted.guidance) == (64, 96, 5, 2.5)
        assert (wanted.output_format, wanted.cache.preset) == (OutputFormat.PNG, "fast")

    run(scenario)


def test_our_own_fields_are_taken_too_and_theirs_go_before_ours() -> None:
    async def scenario(world: World) -> None:
        ours: dict[str, Any] = {"num_inference_steps": 6, "guidance_scale": 2.0}
        guided: dict[str, Any] = {"negative_prompt": "a ring", "true_cfg_scale": 4.0, "max_sequence_length": 8}
        await submit(world, **ours, **guided, priority=3, deadline_ms=5000, tau1=0.1, tau2=0.2)
        job = (await next_lease(world.queue)).job
        assert (job.request.steps, job.request.guidance) == (6, 2.0)
        assert (job.request.negative_prompt, job.request.true_cfg, job.request.text_length) == ("a ring", 4.0, 8)
        assert (job.priority, job.deadline_ms, job.request.cache.tau1, job.request.cache.tau2) == (
            3,
            5000,
            0.1,
            0.2,
        )
        await submit(world, **ours, steps=5, guidance=1.5)
        wanted = (await next_lease(world.queue)).job.request
        assert (wanted.steps, wanted.guidance) == (5, 1.5)

    run(scenario)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"num_inference_steps": 0}, "num_inference_steps"),
        ({"max_sequence_length": 17}, "max_sequence_length"),
        ({"true_cfg_scale": "high"}, "true_cfg_scale"),
        ({"width": 1024}, "width"),
        ({"height": 70}, "height"),
        ({"width": 10**9}, "width"),
        ({"steps": 101}, "steps"),
        ({"guidance": -1}, "guidance"),
        ({"seed": -1}, "seed"),
        ({"prompt_upsampling": True}, "prompt_upsampling"),
        ({"image_prompt": "aGk="}, "image_prompt"),
        ({"safety_tolerance": 7}, "safety_tolerance"),
        ({"output_format": "gif"}, "output_format"),
    ],
)
def test_a_wrong_field_is_a_400_that_names_it(body: dict[str, Any], param: str) -> None:
    async def scenario(world: World) -> None:
        response = await world.client.post("/v1/flux-nano", json={"prompt": PROMPT, **body})
        assert (response.status_code, error_of(response)["param"]) == (400, param)

    run(scenario)


def test_no_other_name_is_served() -> None:
    async def scenario(world: World) -> None:
        for name in ("flux-dev", "flux-nano-x", "flux-nano/", "FLUX-NANO"):
            assert (await world.client.post(f"/v1/{name}", json={"prompt": PROMPT})).status_code == 404

    run(scenario)


def test_what_is_not_there_or_anothers_is_not_found_in_their_words_and_an_end_without_image_an_error() -> None:
    async def scenario(world: World) -> None:
        submitted = await submit(world, key="other")
        for url in ("/v1/get_result", f"/v1/get_result?id={'0' * 32}", submitted["polling_url"]):
            response = await world.client.get(url, headers={"x-key": "mine"})
            assert (response.status_code, response.json()["status"]) == (404, "Task not found")
        await world.queue.fail(await next_lease(world.queue), "broken")
        said = await look(world, submitted["polling_url"], "other")
        assert (said["status"], said["details"]) == ("Error", {"error": "broken"})

    run(scenario, access=Access(MemoryRates(lambda: 0.0), Keys()))
