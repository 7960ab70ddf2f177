"""Comparisons of two jobs' images: the figures, and everything that has no image to compare."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import httpx
import numpy as np
from PIL import Image

from server.access.access import Access
from server.access.rates_memory import MemoryRates
from server.fidelity import psnr, ssim
from server.request import JobResult
from tests.api.conftest import error_of
from tests.api.parts import next_lease, result_of
from tests.api.world import Keys, World, run

NO_JOB = "f" * 32


def picture(shade: int, side: int = 128) -> bytes:
    buffer = BytesIO()
    noise = np.random.default_rng(shade).integers(0, 40, (side, side, 3))
    Image.fromarray((noise + shade).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


async def submitted(world: World, tenant: str = "mine", **body: Any) -> str:
    job_id: str = (await world.submit({"x-key": tenant}, **body)).json()["id"]
    return job_id


async def made(world: World, content: bytes | None, **body: Any) -> str:
    """The id of a finished job, whose image is past its life where there is no content."""
    job_id = await submitted(world, **body)
    lease = await next_lease(world.queue)
    (image,) = result_of(lease).images
    await world.queue.finish(lease, JobResult((replace(image, result_key=f"{job_id}:0"),)))
    if content is not None:
        await world.parts.results.put(f"{job_id}:0", content, 60.0)
    return job_id


async def compare(world: World, tenant: str = "mine", **body: Any) -> httpx.Response:
    return await world.client.post("/v1/compare", json=body, headers={"x-key": tenant})


def test_the_figures_are_those_of_the_two_images() -> None:
    async def scenario(world: World) -> None:
        first, second = picture(60), picture(80)
        exact, fast = await made(world, first), await made(world, second)
        assert (await compare(world, image=fast, reference=exact)).json() == {
            "object": "comparison",
            "equal": False,
            "psnr_db": round(psnr(second, first), 3),
            "ssim": round(ssim(second, first), 5),
        }
        same = (await compare(world, image=exact, reference=exact)).json()
        assert (same["equal"], same["psnr_db"], same["ssim"]) == (True, None, 1.0)

    run(scenario)


def test_what_has_no_image_to_compare_is_refused_by_its_field() -> None:
    async def scenario(world: World) -> None:
        exact = await made(world, picture(60))
        small = await made(world, picture(60, 64), size="64x64")
        cancelled = await submitted(world)
        await world.queue.cancel(cancelled)
        waiting = await submitted(world)
        for body, field in (
            ({"reference": exact}, "image"),
            ({"image": exact, "reference": 7}, "reference"),
            ({"image": exact, "reference": waiting}, "reference"),
            ({"image": cancelled, "reference": exact}, "image"),
            ({"image": small, "reference": exact}, "image"),
        ):
            response = await compare(world, **body)
            assert (response.status_code, error_of(response)["param"]) == (400, field), body

    run(scenario)


def test_an_image_past_its_life_is_gone() -> None:
    async def scenario(world: World) -> None:
        exact, gone = await made(world, picture(60)), await made(world, None)
        response = await compare(world, image=gone, reference=exact)
        assert (response.status_code, error_of(response)["code"]) == (410, "expired")

    run(scenario)


def test_another_tenants_job_is_not_there_nor_is_one_that_never_was() -> None:
    async def scenario(world: World) -> None:
        mine = await made(world, picture(60))
        for tenant, image in (("other", mine), ("mine", NO_JOB), ("mine", "../x")):
            response = await compare(world, tenant, image=image, reference=mine)
            assert (response.status_code, error_of(response)["code"]) == (404, "job_not_found")
        assert (await compare(world, "admin", image=mine, reference=mine)).status_code == 200

    run(scenario, access=Access(MemoryRates(lambda: 0.0), Keys()))
