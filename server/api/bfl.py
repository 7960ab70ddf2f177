"""BFL's shape: POST /v1/{served model} and GET /v1/get_result, for the names that are served and no others."""

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from server.api.base_url import base_url
from server.api.bfl_request import parse_bfl
from server.api.bfl_schema import GET_RESULT_DOC, SUBMIT_DOC
from server.api.bfl_shape import NOT_FOUND, shape_result
from server.api.body import read_json
from server.api.editing import refuse_what_fills_in
from server.api.envelope import object_of
from server.api.job_view import own_job
from server.api.making import start_job
from server.api.model_choice import known_model
from server.api.parts import ApiParts
from server.api.quoting import printable
from server.api.run_terms import as_job, digest_of, parse_terms
from server.errors import UnknownJob


def bfl_router(parts: ApiParts) -> APIRouter:
    """The routes over their parts; a path for each listed model's name and one for each of its aliases."""
    router = APIRouter()

    async def submit(request: Request) -> Response:
        """Make an image of a prompt later: the answer says where to look for it."""
        body = await read_json(request, parts.limits.body_limit_bytes)
        profile = known_model(parts, request.url.path.rpartition("/")[2])
        refuse_what_fills_in(profile)
        wanted = parse_bfl(body, profile, parts.limits, parts.new_seed)
        terms = as_job(parse_terms(body, request.headers, digest_of(body)))
        job = await start_job(parts, request, wanted, replace(terms, as_url=True))
        base = base_url(request, parts.public_url)
        return JSONResponse({"id": job.id, "polling_url": f"{base}/v1/get_result?id={job.id}"})

    for name in dict.fromkeys(name for each in parts.catalogue.listed for name in (each.name, *each.aliases)):
        router.add_api_route(
            f"/v1/{name}", submit, methods=["POST"], openapi_extra=SUBMIT_DOC, operation_id=f"bfl_{name}"
        )

    @router.get("/v1/get_result", openapi_extra=GET_RESULT_DOC)
    async def get_result(request: Request) -> Response:
        """Where the job is, and the address of its image once it is there."""
        job_id = request.query_params.get("id", "")
        try:
            status = await own_job(parts, request, job_id)
        except UnknownJob as error:
            said = {"id": printable(job_id), "status": NOT_FOUND, "result": None, "error": object_of(error)}
            return JSONResponse(said, 404, {"x-should-retry": "false"})
        return JSONResponse(shape_result(status, parts.signer, base_url(request, parts.public_url)))

    return router
