"""Jobs: submitted, looked at, listed, cancelled, and their results."""

import re
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from server.api.base_url import base_url
from server.api.body import read_json
from server.api.editing import refuse_what_fills_in
from server.api.ends import error_of
from server.api.fields import integer
from server.api.generation import parse_generation
from server.api.guard import caller_of
from server.api.job_schema import CANCEL_DOC, JOB_DOC, LIST_DOC, RESULT_DOC, SUBMIT_DOC
from server.api.job_shape import shape_job
from server.api.job_view import estimate, job_answer, own_job
from server.api.making import make
from server.api.model_choice import chosen_model
from server.api.parts import ApiParts
from server.api.result_images import NO_LONGER_STORED, answer_of
from server.api.run_terms import as_job, digest_of, parse_terms
from server.errors import ResultGone

MOST_LISTED = 100
LOOK_AGAIN_S = 1


def jobs_router(parts: ApiParts) -> APIRouter:
    """The routes over their parts."""
    router = APIRouter()

    @router.post("/v1/jobs", status_code=202, openapi_extra=SUBMIT_DOC)
    async def submit_job(request: Request) -> Response:
        """Make images of a prompt later: the answer is the job."""
        body = await read_json(request, parts.limits.body_limit_bytes)
        profile = chosen_model(parts, body)
        refuse_what_fills_in(profile)
        wanted = parse_generation(body, profile, parts.limits, parts.new_seed)
        return await make(parts, request, wanted, as_job(parse_terms(body, request.headers, digest_of(body))))

    @router.get("/v1/jobs", openapi_extra=LIST_DOC)
    async def list_jobs(request: Request) -> Response:
        """The caller's own jobs, newest first."""
        return JSONResponse(await _page(parts, request))

    @router.get("/v1/jobs/{job_id}", openapi_extra=JOB_DOC)
    async def show_job(request: Request, job_id: str) -> Response:
        """Where the job is, and its result once it is there."""
        return await job_answer(parts, request, job_id)

    @router.get("/v1/jobs/{job_id}/result", openapi_extra=RESULT_DOC)
    async def job_result(request: Request, job_id: str) -> Response:
        """What the request would have been answered if it had been waited for."""
        return await _result(parts, request, job_id)

    @router.delete("/v1/jobs/{job_id}", openapi_extra=CANCEL_DOC)
    @router.post("/v1/jobs/{job_id}/cancel", openapi_extra=CANCEL_DOC)
    async def cancel_job(request: Request, job_id: str) -> Response:
        """End the job. One that has ended stays as it is, so that a repeated call does no harm."""
        await own_job(parts, request, job_id)
        await parts.queue.cancel(job_id)
        return await job_answer(parts, request, job_id)

    return router


async def _page(parts: ApiParts, request: Request) -> dict[str, Any]:
    limit = integer(_numbers(request), "limit", 1, MOST_LISTED) or 20
    after = request.query_params.get("after")
    if after is not None:
        await own_job(parts, request, after)
    jobs = await parts.queue.list_jobs(caller_of(request.scope).tenant, limit + 1, after)
    depth, base = await parts.queue.depth(), base_url(request, parts.public_url)
    data = [shape_job(status, estimate(parts, status, depth), base) for status in jobs[:limit]]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": len(jobs) > limit,
    }


def _numbers(request: Request) -> dict[str, Any]:
    """Query parameters that are whole numbers as such; the others as the text that they are."""
    given = dict(request.query_params)
    return {key: int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else text for key, text in given.items()}


async def _result(parts: ApiParts, request: Request, job_id: str) -> Response:
    status = await own_job(parts, request, job_id)
    error = error_of(status.state, status.error)
    if error is not None:
        raise error
    if not status.state.is_terminal:
        response = await job_answer(parts, request, job_id, 202)
        response.headers["retry-after"] = str(LOOK_AGAIN_S)
        return response
    if status.job is None or status.result is None:
        raise ResultGone(NO_LONGER_STORED)
    answer = await answer_of(parts, status.job, status.result, base_url(request, parts.public_url))
    return JSONResponse(answer, headers={"x-job-id": job_id})
