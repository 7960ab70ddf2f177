"""GET /v1/files/{id}: an image by an address that is signed and good for a while."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.api.file_schema import FILE_DOC
from server.api.parts import ApiParts
from server.api.result_images import NO_LONGER_STORED, stored
from server.api.url_signer import Grant
from server.errors import ResultGone, UnknownFile


def files_router(parts: ApiParts) -> APIRouter:
    """The route over its parts."""
    router = APIRouter()

    @router.get("/v1/files/{file_id}", response_class=Response, openapi_extra=FILE_DOC)
    async def fetch(request: Request, file_id: str) -> Response:
        """The image's bytes. The address is all that is needed, and no key helps where it is wrong."""
        grant = parts.signer.judge(file_id, request.query_params)
        if grant is Grant.WRONG:
            raise UnknownFile("there is no such file here, or the address' signature is not good")
        if grant is Grant.EXPIRED:
            raise ResultGone("the address is past its life")
        return await _file(parts, file_id, int(request.query_params["image"]))

    return router


async def _file(parts: ApiParts, job_id: str, index: int) -> Response:
    """By the job: it knows under which key the image is, and its digest. Raises ResultGone or JobFailed."""
    status = await parts.queue.status(job_id)
    if status is None or status.job is None or status.result is None:
        raise ResultGone(NO_LONGER_STORED)
    kind = status.job.request.output_format.value
    for image in status.result.images:
        if image.index == index:
            content, name = await stored(parts, image.result_key, image.sha256), f"{job_id}-{index}.{kind}"
            return Response(content, 200, {"content-disposition": f'inline; filename="{name}"'}, f"image/{kind}")
    raise ResultGone(NO_LONGER_STORED)
