"""POST /v1/images/edits and /v1/images/variations: keep the images, then as a generation."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Protocol

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.api.edit_schema import EDIT_DOC, VARIATION_DOC
from server.api.editing import Editing, parse_edit, parse_variation
from server.api.form_body import body_of
from server.api.making import make
from server.api.model_choice import chosen_model
from server.api.multipart import Form, read_form
from server.api.parts import ApiLimits, ApiParts
from server.api.run_terms import digest_of, parse_terms
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
    async def edit(request: Request) -> Response:
        """Make images of images and a prompt."""
        return await edit_images(parts, request, parse_edit)

    @router.post("/v1/images/variations", openapi_extra=VARIATION_DOC)
    async def vary(request: Request) -> Response:
        """Make images like an image."""
        return await edit_images(parts, request, parse_variation)

    return router


async def edit_images(parts: ApiParts, request: Request, parse: Parse) -> Response:
    """From the form to the answer. The files go with the job; where its end is not known, they expire."""
    reason = parts.not_accepting()
    if reason is not None:  # before megabytes are read in vain
        raise NotReady(reason)
    form = await read_form(request, parts.limits.upload_limit_bytes)
    body = body_of(form.fields)
    profile = chosen_model(parts, body)
    terms = parse_terms(body, request.headers, digest_of_form(form))
    editing = await asyncio.to_thread(
        parse, form, profile, parts.limits, parts.new_seed, keep_under=parts.new_id()
    )
    await keep_inputs(parts.results, editing.files, parts.limits.input_ttl_s)
    try:
        return await make(parts, request, editing.request, terms, "image_edit")
    except MAY_STILL_RUN:
        raise
    except ServerError:
        await forget_inputs(parts.results, editing.request)
        raise


def digest_of_form(form: Form) -> str:
    """The same for forms of the same fields and files, whatever their boundaries and file names."""
    files = [[name, hashlib.sha256(content).hexdigest()] for name, content in form.files]
    return digest_of({"fields": [list(field) for field in form.fields], "files": files})
