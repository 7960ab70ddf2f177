"""POST /v1/images/generations: images of a prompt."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.api.body import read_json
from server.api.editing import refuse_what_fills_in
from server.api.generation import parse_generation
from server.api.making import make
from server.api.model_choice import chosen_model
from server.api.parts import ApiParts
from server.api.run_terms import digest_of, parse_terms
from server.api.schema import GENERATION_DOC


def images_router(parts: ApiParts) -> APIRouter:
    """The route over its parts."""
    router = APIRouter()

    @router.post("/v1/images/generations", openapi_extra=GENERATION_DOC)
    async def generate(request: Request) -> Response:
        """Make images of a prompt."""
        body = await read_json(request, parts.limits.body_limit_bytes)
        profile = chosen_model(parts, body)
        refuse_what_fills_in(profile)
        wanted = parse_generation(body, profile, parts.limits, parts.new_seed)
        return await make(parts, request, wanted, parse_terms(body, request.headers, digest_of(body)))

    return router
