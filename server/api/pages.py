"""GET / and /docs: pages for a browser, and the files that they are made of."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from starlette.responses import Response

from server.playground.files import StaticFile

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""A page may use what this server serves, and say nothing to anybody else; no script or style within its HTML."""


def pages_router(files: Mapping[str, StaticFile]) -> APIRouter:
    """A route a file."""
    router = APIRouter(include_in_schema=False)
    for path, file in files.items():
        router.add_api_route(path, _answering(file), methods=["GET", "HEAD"])
    return router


def _answering(file: StaticFile) -> Callable[[], Awaitable[Response]]:
    async def answer() -> Response:
        return Response(file.content, 200, {"content-security-policy": POLICY}, file.media_type)

    return answer
