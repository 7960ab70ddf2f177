"""POST /v1/images/edits and /v1/images/variations: keep the images, then as a generation."""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request

from server.api.edit_schema import EDIT_DOC, VARIATION_DOC
from server.api.editing import Editing, parse_edit, parse_variation
from server.api.images import answer, new_job, result_of, submit
from server.api.multipart import Form, read_form
from server.api.parts import ApiLimits, ApiParts
from server.errors import JobCancelled, JobExpired, JobFailed, NotReady, QueueFull
from server.profile import ModelProfile
from server.results.inputs import forget_inputs, keep_inputs

OVER = (QueueFull, JobCancelled, JobExpired, JobFailed)
"""After these nobody runs the job any more."""
Parse = Callable[[Form, ModelProfile, ApiLimits, Callable[[], int], str], Editing]


def edits_router(parts: ApiParts) -> APIRouter:
    """The routes over their parts."""
    router = APIRouter()

    @router.post("/v1/images/edits", openapi_extra=EDIT_DOC)
    async def edit(request: Request) -> dict[str, Any]:
        """Make images of images and a prompt."""
        return await make(parts, request, parse_edit)

    @router.post("/v1/images/variations", openapi_extra=VARIATION_DOC)
    async def vary(request: Request) -> dict[str, Any]:
        """Make images like an image."""
        return await make(parts, request, parse_variation)

    return router


async def make(parts: ApiParts, request: Request, parse: Parse) -> dict[str, Any]:
    """From the form to the answer. The files go with the job; where its end is not known, they expire."""
    reason = parts.not_ready()
    if reason is not None:  # before megabytes are read in vain
        raise NotReady(reason)
    form = await read_form(request, parts.limits.upload_limit_bytes)
    keep_under = parts.new_id()
    editing = await asyncio.to_thread(parse, form, parts.profile, parts.limits, parts.new_seed, keep_under)
    job = new_job(parts, editing.request)
    await keep_inputs(parts.results, editing.files, parts.limits.input_ttl_s)
    try:
        await submit(parts, job)
        result = await result_of(parts.queue, job.id, request)
    except OVER:
        await forget_inputs(parts.results, editing.request)
        raise
    await forget_inputs(parts.results, editing.request)
    return await answer(parts, job, result)
