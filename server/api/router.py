"""The application: thin routes over their parts, wrapped in the edge."""

from fastapi import FastAPI
from starlette.types import ASGIApp

from server.api.bfl import bfl_router
from server.api.body_deadline import BodyDeadline
from server.api.compare import compare_router
from server.api.cors import with_cors
from server.api.edge import Edge
from server.api.edits import edits_router
from server.api.envelope import add_error_handlers
from server.api.files import files_router
from server.api.guard import Guard
from server.api.health import health_router
from server.api.images import images_router
from server.api.job_events import job_events_router
from server.api.jobs import jobs_router
from server.api.models import models_router
from server.api.openapi import DocumentedApi
from server.api.pages import pages_router
from server.api.parts import ApiParts
from server.api.presets import presets_router
from server.api.request_log import RequestLog
from server.api.stats import stats_router


def create_api(parts: ApiParts) -> Edge:
    """All routes behind their guard, ready to be served."""
    access = parts.access
    in_time = BodyDeadline(create_routes(parts), parts.limits.body_timeout_s, parts.clock)
    guarded: ASGIApp = Guard(in_time, access.keys, parts.signer, access.metrics_token, parts.pages)
    if access.cors_origins:
        guarded = with_cors(guarded, access.cors_origins)
    return Edge(
        guarded,
        parts.metrics,
        RequestLog(parts.log_line, parts.wall_clock),
        parts.traces,
        parts.clock,
        parts.new_id,
    )


def create_routes(parts: ApiParts) -> FastAPI:
    """All routes."""
    # A slash too many is a 404 with the envelope, not a redirect to an address made of the Host header.
    app = DocumentedApi(
        parts.catalogue,
        parts.limits,
        title="h2serve",
        description="Flux images, with two thresholds a request that trade speed for fidelity.",
        redirect_slashes=False,
        docs_url=None,  # its pages load scripts from elsewhere; ours are in server/playground/
        redoc_url=None,
    )
    add_error_handlers(app)
    made = (images_router, edits_router, jobs_router, job_events_router, files_router, bfl_router)
    for make in (*made, compare_router, models_router, presets_router, stats_router, health_router):
        app.include_router(make(parts))
    app.include_router(pages_router(parts.pages))
    return app
