"""POST /v1/images/edits and /v1/images/variations: keep the images, then as a generation."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from fastapi import APIRouter, Request

from server.api.edit_schema import EDIT_DOC, VARIATION_DOC
from server.api.editing import Editing, parse_edit, parse_variation
from server.api.images import make_images
from server.api.multipart import Form, read_form
from server.api.parts import ApiLimits, ApiParts
from server.errors import JobLost, NotReady, ServerError, StorageUnreachable
from server.profile import ModelProfile
from server.results.inputs import forget_inputs, keep_inputs

MAY_STILL_RUN = (NotReady, StorageUnreachable, JobLost)
"""This process stops, or has lost sight of the job."""


class Parse(Protocol):
    """``parse_edit`` or ``parse_variation``."""

    def __call__(
        self,
        form: Form,
        profile: ModelProfile,
        limits: ApiLimits,
        new_seed: Callable[[], int],
        keep_under: str,
    ) -> Editing:
        """What is wanted, and the files to keep under ``keep_under``."""
        ...


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
    editing = await asyncio.to_thread(
        parse, form, parts.profile, parts.limits, parts.new_seed, keep_under=parts.new_id()
    )
    await keep_inputs(parts.results, editing.files, parts.limits.input_ttl_s)
    try:
        answer = await make_images(parts, request, editing.request)
    except MAY_STILL_RUN:
        raise
    except ServerError:
        await forget_inputs(parts.results, editing.request)
        raise
    await forget_inputs(parts.results, editing.request)
    return answer
