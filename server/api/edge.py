"""The outermost layer: an id on every response, a count of every request, a log line of every surprise."""

import logging
import re
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.request_log import NOTES, RequestLog
from server.metrics.api import ApiMetrics
from server.traces.interface import NoSpan, RequestSpan, Traces

METHOD, ROUTE, STATUS = "http.request.method", "http.route", "http.response.status_code"
"""As OpenTelemetry's conventions name them."""
TRACEPARENT = "h2serve.traceparent"
"""Under this key of the ASGI scope the request's trace is found by who makes a job of it."""
TOO_MANY = 429
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
log = logging.getLogger(__name__)


class Edge:
    """Wraps the whole application, so that the framework's own errors pass through it too."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: ApiMetrics,
        log: RequestLog,
        traces: Traces,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._app, self._metrics, self._log, self._traces = app, metrics, log, traces
        self._clock, self._new_id = clock, new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s, request_id, status = self._clock(), self._id_of(scope), 0
        notes = scope[NOTES] = {}
        span = self._span_of(scope)
        scope[TRACEPARENT] = span.traceparent

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                add_security_headers(headers)
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Exception:
            # Answered already, by the handler in ``envelope``; raised again by the framework.
            log.exception("unhandled error in request %s", request_id)
        finally:
            route, seconds = route_of(scope), self._clock() - started_s
            self._metrics.request_done(route, status, seconds)
            if status == TOO_MANY:
                self._metrics.refused(notes.get("error", "other"))
            self._log.request_done(request_id, method_of(scope), route, status, seconds, notes)
            span.end({METHOD: method_of(scope), ROUTE: route, STATUS: status, "h2serve.request_id": request_id})

    def _span_of(self, scope: Scope) -> RequestSpan:
        """Of what clients ask for; probes and scrapes would bury it."""
        if not scope["path"].startswith("/v1/"):
            return NoSpan()
        return self._traces.begin(method_of(scope), Headers(scope=scope).get("traceparent"))

    def _id_of(self, scope: Scope) -> str:
        """The client's own id when it is harmless, else a new one."""
        given = Headers(scope=scope).get("x-request-id", "")
        return given if _SAFE_ID.fullmatch(given) else self._new_id()


def method_of(scope: Scope) -> str:
    """One of HTTP's own, else ``other``: nothing that a stranger made up reaches the log."""
    return scope["method"] if scope["method"] in METHODS else "other"


def add_security_headers(headers: MutableHeaders) -> None:
    """What keeps a browser from making more of an answer than it is; a page may say its own policy."""
    headers["x-content-type-options"] = "nosniff"
    headers["referrer-policy"] = "no-referrer"
    headers["x-frame-options"] = "DENY"
    headers.setdefault("cache-control", "no-store")
    if not headers.get("content-type", "").startswith("text/html"):
        headers.setdefault("content-security-policy", "default-src 'none'; frame-ancestors 'none'")


def route_of(scope: Scope) -> str:
    """The route's template: a bounded label whatever paths strangers try."""
    return str(getattr(scope.get("route"), "path", "none"))
