"""A worker's own HTTP port: is it alive, may it be given work, and its metrics."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.metrics.registry import CONTENT_TYPE


def create_port(
    why_dead: Callable[[], str | None],
    why_not_ready: Callable[[], str | None],
    render: Callable[[], Awaitable[bytes]],
) -> Starlette:
    """``/livez`` is 503 where only a new process helps, ``/readyz`` where no new jobs are taken."""

    async def livez(_: Request) -> Response:
        return _said(why_dead())

    async def readyz(_: Request) -> Response:
        return _said(why_dead() or why_not_ready())

    async def metrics(_: Request) -> Response:
        return Response(await render(), media_type=CONTENT_TYPE)

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)])


def _said(reason: str | None) -> Response:
    return JSONResponse({"status": reason or "ok"}, 200 if reason is None else 503)
