"""Input images are in the results store before their job is put, and gone when it has ended, however it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from server.api.editing import EDIT_STRENGTH, REDRAW_STRENGTH
from server.api.parts import ApiParts
from server.catalogue import Catalogue
from server.jobs.lease import Lease
from server.jobs.memory import MemoryQueue
from server.profile import load_profile
from server.request import ImageInput
from server.results.inputs import fetch_inputs
from tests.api.conftest import PROMPT, error_of
from tests.api.parts import PATIENCE_S, api_parts, client_of, new_queue, next_lease, result_of
from tests.api.pictures import file_of, picture, with_hole

IMAGE = ("image", ("a.png", file_of(picture(200, 100)), "image/png"))
MASK = ("mask", ("m.png", file_of(with_hole(200, 100, (90, 40, 130, 60))), "image/png"))
FULL = 16
Ending = Callable[[MemoryQueue, ApiParts, Lease], Awaitable[Any]]


def edited(
    end: Ending | None, parts: ApiParts, queue: MemoryQueue, files: list[Any], path: str = "edits", **fields: str
) -> httpx.Response:
    """What an edit is answered with whose job is brought to its end by ``end``."""

    async def run() -> httpx.Response:
        async with client_of(parts) as client:
            data = {"prompt": PROMPT, **fields}
            asking = asyncio.create_task(client.post(f"/v1/images/{path}", data=data, files=files))
            if end is not None:
                await end(queue, parts, await next_lease(queue))
            return await asyncio.wait_for(asking, PATIENCE_S)

    return asyncio.run(run())


async def finish(queue: MemoryQueue, parts: ApiParts, lease: Lease) -> None:
    await parts.results.put("key-0", b"made", 60.0)
    await queue.finish(lease, result_of(lease))


async def fail(queue: MemoryQueue, parts: ApiParts, lease: Lease) -> None:
    await queue.fail(lease, "broken")


async def cancel(queue: MemoryQueue, parts: ApiParts, lease: Lease) -> None:
    await queue.cancel(lease.job.id)


def stored(parts: ApiParts) -> list[str]:
    """The keys that are there of the first job, whose id is the first."""

    async def run() -> list[str]:
        keys = [f"id-{i}/in/{name}" for i in range(3) for name in ("0", "1", "mask")]
        return [key for key in keys if await parts.results.get(key) is not None]

    return asyncio.run(run())


def test_the_images_are_there_by_key_when_the_job_is_taken_and_have_the_request_s_size() -> None:
    seen: dict[str, Any] = {}

    async def look(queue: MemoryQueue, parts: ApiParts, lease: Lease) -> None:
        request = lease.job.request
        files = await fetch_inputs(parts.results, request)
        assert files is not None and request.inputs is not None
        seen["images"] = [Image.open(BytesIO(files[key])) for key in request.inputs.images]
        seen["mask"] = Image.open(BytesIO(files[request.inputs.mask or ""]))
        seen["request"] = request
        await finish(queue, parts, lease)

    queue = new_queue()
    response = edited(look, api_parts(queue), queue, [IMAGE, MASK], size="96x64")
    assert response.status_code == 200
    assert [(image.mode, image.size) for image in seen["images"]] == [("RGB", (96, 64))]
    assert (seen["mask"].mode, seen["mask"].size) == ("L", (96, 64))
    assert 0 < sum(seen["mask"].histogram()[255:]) < 96 * 64
    request = seen["request"]
    assert (request.width, request.height, request.inputs.strength) == (96, 64, REDRAW_STRENGTH)
    assert request.prompt == PROMPT


@pytest.mark.parametrize(("end", "status"), [(finish, 200), (fail, 500), (cancel, 409)])
def test_after_the_job_s_end_the_images_are_gone(end: Ending, status: int) -> None:
    queue = new_queue()
    parts = api_parts(queue)
    assert edited(end, parts, queue, [IMAGE, MASK]).status_code == status
    assert stored(parts) == []


def test_of_a_request_that_is_refused_nothing_is_kept() -> None:
    queue = new_queue()
    parts = api_parts(queue)
    for fields in ({"n": str(FULL + 1)}, {"strength": "7"}):
        assert edited(None, parts, queue, [IMAGE, MASK], **fields).status_code == 400
    full = replace(parts, limits=replace(parts.limits, max_queue=0))
    assert edited(None, full, queue, [IMAGE, MASK]).status_code in (400, 429)
    assert stored(parts) == []


def test_a_full_queue_keeps_nothing() -> None:
    async def run() -> httpx.Response:
        async with client_of(parts) as client:
            waiting = [
                asyncio.create_task(client.post("/v1/images/generations", json={"prompt": PROMPT, "n": 8}))
                for _ in range(2)
            ]
            while (await queue.depth()).images_waiting < FULL:
                await asyncio.sleep(0)
            response = await client.post("/v1/images/edits", data={"prompt": PROMPT}, files=[IMAGE])
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            return response

    queue = new_queue()
    parts = api_parts(queue)
    response = asyncio.run(run())
    assert (response.status_code, error_of(response)["code"]) == (429, "queue_full")
    assert stored(parts) == []


def test_a_server_that_is_not_ready_reads_no_images() -> None:
    queue = new_queue()
    response = edited(None, api_parts(queue, not_ready=lambda: "loading"), queue, [IMAGE])
    assert (response.status_code, error_of(response)["code"]) == (503, "not_ready")


def strength_of(kind: ImageInput, files: list[Any], **fields: str) -> float | None:
    seen: list[float | None] = []

    async def look(queue: MemoryQueue, parts: ApiParts, lease: Lease) -> None:
        assert lease.job.request.inputs is not None
        seen.append(lease.job.request.inputs.strength)
        await finish(queue, parts, lease)

    queue = new_queue()
    parts = api_parts(queue)
    profile = parts.profile.model_copy(update={"image_input": kind})
    assert edited(look, replace(parts, catalogue=Catalogue((profile,))), queue, files, **fields).status_code == 200
    return seen[0]


def test_a_model_of_references_starts_from_noise_unless_told_otherwise() -> None:
    assert strength_of(ImageInput.START, [IMAGE]) == EDIT_STRENGTH
    assert strength_of(ImageInput.REFERENCE, [IMAGE]) is None
    assert strength_of(ImageInput.REFERENCE, [IMAGE], strength="0.5") == 0.5
    assert strength_of(ImageInput.REFERENCE, [IMAGE, MASK]) == REDRAW_STRENGTH
    assert strength_of(ImageInput.FILL, [IMAGE, MASK]) == REDRAW_STRENGTH


@pytest.mark.parametrize(
    ("path", "files", "param"),
    [("edits", [IMAGE], "mask"), ("variations", [IMAGE], "model")],
)
def test_a_model_that_fills_in_needs_a_mask(path: str, files: list[Any], param: str) -> None:
    queue = new_queue()
    parts = api_parts(queue)
    profile = parts.profile.model_copy(update={"image_input": ImageInput.FILL})
    filling = replace(parts, catalogue=Catalogue((profile,)))
    response = edited(None, filling, queue, files, path)
    assert (response.status_code, error_of(response)["param"]) == (400, param)

    async def generate(path: str) -> httpx.Response:
        async with client_of(filling) as client:
            return await client.post(path, json={"prompt": PROMPT})

    for other in ("/v1/images/generations", "/v1/jobs", "/v1/flux-nano"):
        assert error_of(asyncio.run(generate(other)))["param"] == "model"


@pytest.mark.parametrize("path", ["edits", "variations"])
def test_an_edit_may_be_a_job_whose_images_are_forgotten_at_its_end(path: str) -> None:
    async def run() -> None:
        queue = new_queue()
        parts = api_parts(queue)
        async with client_of(parts) as client:
            submitted = await client.post(
                f"/v1/images/{path}", data={"prompt": PROMPT}, files=[IMAGE], headers={"prefer": "respond-async"}
            )
            assert (submitted.status_code, submitted.json()["object"]) == (202, "job")
            lease = await next_lease(queue)
            assert await fetch_inputs(parts.results, lease.job.request)
            await finish(queue, parts, lease)
            async with asyncio.timeout(PATIENCE_S):
                while await fetch_inputs(parts.results, lease.job.request):
                    await asyncio.sleep(0.01)
            answer = (await client.get(submitted.json()["response_url"])).json()
            assert [image["b64_json"] for image in answer["data"]] == ["bWFkZQ=="]
        await parts.background.close()

    asyncio.run(run())


def test_as_many_images_as_the_model_takes() -> None:
    queue = new_queue()
    parts = api_parts(queue)
    profile = load_profile("flux2-klein").model_copy(update={"name": "flux-nano"})
    four = replace(parts, catalogue=Catalogue((profile,)))
    images = [("image[]", (f"{i}.png", file_of(picture(256, 256, seed=i)), "image/png")) for i in range(5)]

    async def look(queue: MemoryQueue, parts: ApiParts, lease: Lease) -> None:
        assert lease.job.request.inputs is not None
        assert len(lease.job.request.inputs.images) == 4
        await finish(queue, parts, lease)

    response = edited(look, four, queue, images[:4])
    assert response.status_code == 200, response.text
    tokens = 4 * (256 // 16) ** 2
    assert response.json()["usage"]["input_tokens_details"]["image_tokens"] == tokens
    refused = edited(None, four, queue, images)
    assert (refused.status_code, error_of(refused)["param"]) == (400, "image")
    broken = [*images[:2], ("image[]", ("x", b"broken", "image/png"))]
    assert error_of(edited(None, four, queue, broken))["param"] == "image[2]"
