"""What a caller may see of a job."""

import re
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from server.api.base_url import base_url
from server.api.estimate import seconds_left
from server.api.guard import caller_of
from server.api.job_shape import shape_job
from server.api.parts import ApiParts
from server.api.result_images import answer_of
from server.errors import ResultGone, UnknownJob
from server.jobs.status import JobStatus, QueueDepth

_ID = re.compile(r"[0-9a-f]{32}")


async def own_job(parts: ApiParts, request: Request, job_id: str) -> JobStatus:
    """The job of this id. Raises UnknownJob, in the same words for what is not there and what is another's."""
    status = await parts.queue.status(job_id) if _ID.fullmatch(job_id) else None
    if status is None or not caller_of(request.scope).owns(status.tenant):
        raise UnknownJob("there is no such job here")
    return status


async def job_answer(parts: ApiParts, request: Request, job_id: str, status_code: int = 200) -> Response:
    """The job as it is now. Raises UnknownJob."""
    status = await own_job(parts, request, job_id)
    shown = await describe(parts, status, base_url(request, parts.public_url))
    headers = {"x-job-id": job_id, **({"location": shown["status_url"]} if status_code == 202 else {})}
    return JSONResponse(shown, status_code, headers)


async def describe(parts: ApiParts, status: JobStatus, base: str) -> dict[str, Any]:
    """The job with its result, which is null as long as there is none, and when it is past its life."""
    shown = shape_job(status, estimate(parts, status, await parts.queue.depth()), base)
    shown["result"] = await _result_of(parts, status, base)
    return shown


def estimate(parts: ApiParts, status: JobStatus, depth: QueueDepth) -> float | None:
    """Seconds left, by who works on its model. A job that waits is taken to have jobs of one image before it."""
    before = depth.images_running + (status.position or 0)
    return seconds_left(status, before, parts.images_per_s(status.model), int(1000 * parts.wall_clock()))


async def _result_of(parts: ApiParts, status: JobStatus, base: str) -> dict[str, Any] | None:
    if status.job is None or status.result is None:
        return None
    try:
        return await answer_of(parts, status.job, status.result, base)
    except ResultGone:
        return None
