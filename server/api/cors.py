"""Which pages of other origins a browser lets speak to the server: none, but for those of the settings."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

METHODS = ("GET", "POST", "DELETE")
SENT = ("authorization", "content-type", "idempotency-key", "last-event-id", "prefer", "x-key", "x-request-id")
READ = ("location", "retry-after", "x-job-id", "x-request-id", "x-should-retry")


def with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The application as pages of these origins may use it. Keys travel in headers; no cookies are sent."""
    return CORSMiddleware(app, origins, METHODS, SENT, expose_headers=READ)
