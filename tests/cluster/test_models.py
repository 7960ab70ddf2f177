"""One API over workers of several models: listed, announced, or unknown."""

import asyncio
from typing import Any

from server.catalogue import Catalogue, profile_from
from server.cluster.watch import ClusterWatch
from server.jobs.event import JobState
from server.jobs.workers import WorkerInfo
from server.profile import load_profile
from server.results.memory import MemoryResults
from tests.api.parts import api_parts, client_of, new_queue
from tests.cluster.processes import Cluster, until, until_ready
from tests.core.worked import Clock

JOBS, IMAGES = "/v1/jobs", "/v1/images/generations"
NANO, DEV = load_profile("flux-nano"), load_profile("flux-dev")
OWN = DEV.model_copy(update={"name": "our-model", "aliases": (), "default_width": 512, "default_steps": 12})


def body(model: str | None, **beside: Any) -> dict[str, Any]:
    return {"prompt": "a star", **({} if model is None else {"model": model}), **beside}


def test_a_listed_model_waits_for_its_worker_and_an_unknown_one_is_a_404(processes: Cluster) -> None:
    _, client = processes.api()
    with client:
        until(lambda: "no worker lives" in client.get("/readyz").text)
        waiting = client.post(JOBS, json=body("flux-nano", num_inference_steps=2))
        assert waiting.status_code == 202
        refused = client.post(IMAGES, json=body("flux-dev"))
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")
        once = processes.worker("slow-step:step_s=0.01", "--model", "flux-dev")
        until(lambda: client.get("/v1/models/flux-dev").status_code == 200)
        once.kill()
        later = client.post(JOBS, json=body("flux-dev", num_inference_steps=2))
        assert later.status_code == 202, "its worker is dead, and may come back"
        for model in ("flux-nano", "flux-dev"):
            processes.worker("slow-step:step_s=0.01", "--model", model)
        until_ready(client)
        for job, model, size in ((waiting, "flux-nano", "128x128"), (later, "flux-dev", "1024x1024")):
            path = f"{JOBS}/{job.json()['id']}"
            until(lambda path=path: client.get(path).json()["state"] == "finished")  # type: ignore[misc]  # its default
            answer = client.get(f"{path}/result").json()
            assert (answer["model"], answer["size"]) == (model, size)


def test_each_model_has_its_own_sizes_defaults_and_presets() -> None:
    async def scenario() -> None:
        queue = new_queue()
        parts = api_parts(queue, catalogue=Catalogue((NANO, DEV)))
        async with client_of(parts) as client:
            await client.post(JOBS, json=body("flux1-dev"))
            await client.post(JOBS, json=body(None))
            statuses = await queue.list_all([JobState.QUEUED], 10)
            requests = [status.job.request for status in statuses if status.job is not None]
            assert {(each.model, each.width) for each in requests} == {("flux-nano", 128), ("flux-dev", 1024)}
            for model, size in (("flux-dev", "64x64"), ("flux-nano", "1024x1024")):
                assert (await client.post(JOBS, json=body(model, size=size))).status_code == 400
            unknown = await client.post(JOBS, json=body("flux2"))
            assert unknown.json()["error"]["message"].endswith("allowed are flux-nano, flux-dev")
            listed = (await client.get("/v1/models")).json()["data"]
            assert [each["id"] for each in listed] == ["flux-nano", "flux-dev"]
            assert (await client.get("/v1/presets", params={"model": "flux1-dev"})).json()["model"] == "flux-dev"
            assert (await client.get("/v1/presets")).json()["model"] == "flux-nano"
            assert (await client.post("/v1/flux-dev", json={"prompt": "a star"})).status_code == 200

    asyncio.run(scenario())


def test_a_model_that_was_announced_once_is_known_by_what_its_worker_told() -> None:
    async def scenario() -> None:
        clock = Clock()
        queue, catalogue = new_queue(clock), Catalogue((NANO,))
        watch = ClusterWatch(queue, MemoryResults(clock), catalogue, "api", needs_workers=True)
        told = WorkerInfo("w", OWN.name, "1", 8, images_per_s=2.0, profile=OWN.model_dump_json())
        await queue.announce(told, 1_000)
        await watch.look()
        assert watch.reason is None
        clock.now_s += 60
        await watch.look()
        assert watch.reason is not None and watch.refused is None
        async with client_of(api_parts(queue, catalogue=catalogue)) as client:
            assert (await client.post(JOBS, json=body(OWN.name))).status_code == 202
        (status,) = await queue.list_all([JobState.QUEUED], 10)
        assert status.job is not None
        assert (status.job.request.width, status.job.request.steps) == (512, 12)

    asyncio.run(scenario())


def test_what_workers_say_of_a_listed_model_changes_nothing() -> None:
    catalogue = Catalogue((NANO,))
    catalogue.hear({NANO.name: OWN.model_dump_json(), "flux2-klein": ""})
    assert catalogue.find("flux-nano") == NANO == catalogue.find("nano") == catalogue.default
    assert catalogue.find("flux2-klein") == load_profile("flux2-klein")
    catalogue.hear({"nano": OWN.model_dump_json(), 300 * "x": "", "../etc": ""})
    assert catalogue.find("nano") == NANO, "an alias of a listed model is its own"
    assert catalogue.find(300 * "x") is None is catalogue.find("../etc")


def test_until_redis_has_answered_a_model_may_be_one_that_was_announced() -> None:
    async def scenario() -> None:
        reasons = ["Redis has not answered yet"]
        parts = api_parts(new_queue(), not_ready=lambda: reasons[0] if reasons else None)
        async with client_of(parts) as client:
            for path in (JOBS, IMAGES):
                early = await client.post(path, json=body(OWN.name))
                assert (early.status_code, early.headers["retry-after"]) == (503, "5")
            assert (await client.get(f"/v1/models/{OWN.name}")).status_code == 503
            reasons.clear()
            assert (await client.post(JOBS, json=body(OWN.name))).status_code == 404

    asyncio.run(scenario())


def test_a_profile_of_another_version_is_that_of_the_name() -> None:
    assert profile_from("flux-dev", '{"a field of tomorrow": 1}') == DEV
    assert profile_from("their-model", "").name == "their-model"


def test_queue_and_answers_tell_models_apart(processes: Cluster) -> None:
    _, client = processes.api()
    with client:
        for model in ("flux-nano", "flux-dev"):
            processes.worker("slow-step:step_s=0.001", "--model", model)
        until_ready(client)
        until(lambda: client.get("/v1/models/flux-dev").status_code == 200)
        answers = [client.post(IMAGES, json=body(model)) for model in ("flux-dev", "flux-nano")]
        assert [answer.json()["model"] for answer in answers] == ["flux-dev", "flux-nano"]
