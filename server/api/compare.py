"""POST /v1/compare: how near the image of one job is to that of another."""

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from server.api.body import read_json
from server.api.compare_schema import COMPARE_DOC
from server.api.ends import error_of
from server.api.fields import text
from server.api.job_view import own_job
from server.api.parts import ApiParts
from server.api.result_images import NO_LONGER_STORED, stored
from server.errors import RequestError, ResultGone
from server.fidelity import psnr, ssim
from server.jobs.status import JobStatus


def compare_router(parts: ApiParts) -> APIRouter:
    """The route over its parts. One comparison at a time, so that they take no more than one core."""
    router = APIRouter()
    one_at_a_time = asyncio.Semaphore(1)

    @router.post("/v1/compare", openapi_extra=COMPARE_DOC)
    async def compare(request: Request) -> dict[str, Any]:
        """PSNR and SSIM of the first image of a job against that of another, both the caller's own."""
        body = await read_json(request, parts.limits.body_limit_bytes)
        image, reference = [await _finished(parts, request, body, field) for field in ("image", "reference")]
        _refuse_other_size(image, reference)
        async with one_at_a_time:
            first, second = [await _content(parts, status) for status in (image, reference)]
            return await asyncio.to_thread(shape_likeness, first, second)

    return router


def shape_likeness(image: bytes, reference: bytes) -> dict[str, Any]:
    """``psnr_db`` is null where the pixels are equal, for JSON has no infinity."""
    decibels = psnr(image, reference)
    is_equal = math.isinf(decibels)
    return {
        "object": "comparison",
        "equal": is_equal,
        "psnr_db": None if is_equal else round(decibels, 3),
        "ssim": round(ssim(image, reference), 5),
    }


async def _finished(parts: ApiParts, request: Request, body: Mapping[str, Any], field: str) -> JobStatus:
    """The job that the field names. Raises RequestError, UnknownJob or ResultGone."""
    job_id = text(body, field)
    if job_id is None:
        raise RequestError(f"{field} is missing, allowed is a job's id", field)
    status = await own_job(parts, request, job_id)
    if not status.state.is_terminal:
        raise RequestError(f"{field} is a job that has not ended, allowed is one with an image", field)
    if error_of(status.state, status.error) is not None:
        raise RequestError(f"{field} is a job that ended without an image", field)
    if status.result is None or status.job is None:
        raise ResultGone(NO_LONGER_STORED)
    return status


def _refuse_other_size(image: JobStatus, reference: JobStatus) -> None:
    assert image.job is not None and reference.job is not None
    wanted, given = [f"{job.request.width}x{job.request.height}" for job in (reference.job, image.job)]
    if wanted != given:
        raise RequestError(f"image is {given} pixels, allowed is the reference's size, {wanted}", "image")


async def _content(parts: ApiParts, status: JobStatus) -> bytes:
    """The bytes of the job's first image. Raises ResultGone, or JobFailed for another image."""
    assert status.result is not None
    first = status.result.images[0]
    return await stored(parts, first.result_key, first.sha256)
