"""Is it alive, has it started, may it be given work; and the metrics."""

from fastapi import APIRouter, Response

from server.api.catalogue_schema import LIVE_DOC, METRICS_DOC, READY_DOC, STARTED_DOC
from server.api.parts import ApiParts
from server.errors import NotReady
from server.metrics.registry import CONTENT_TYPE


def health_router(parts: ApiParts) -> APIRouter:
    """The routes over their parts."""
    router = APIRouter()

    # Load balancers and watchdogs ask by HEAD as well.
    @router.head("/livez", include_in_schema=False)
    @router.get("/livez", openapi_extra=LIVE_DOC)
    async def livez() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @router.head("/startupz", include_in_schema=False)
    @router.get("/startupz", openapi_extra=STARTED_DOC)
    async def startupz() -> dict[str, str]:
        """The model is loaded."""
        if not parts.has_started():
            raise NotReady("the model is not loaded yet")
        return {"status": "started"}

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", openapi_extra=READY_DOC)
    async def readyz() -> dict[str, str]:
        """New requests are welcome."""
        reason = parts.not_ready()
        if reason is not None:
            raise NotReady(reason)
        return {"status": "ready"}

    @router.get("/metrics", response_class=Response, openapi_extra=METRICS_DOC)
    async def metrics() -> Response:
        """Prometheus' text format."""
        parts.metrics.queue_is(await parts.queue.depth())
        return Response(await parts.render_metrics(), media_type=CONTENT_TYPE)

    return router
