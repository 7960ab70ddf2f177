"""Traces by OpenTelemetry's SDK, sent in batches by a thread of its own."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation import set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.request import ImageResult
from server.traces.interface import RequestSpan
from server.traces.stages import stages_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

SERVICE = "h2serve"
HEADER = "traceparent"


class OtelRequestSpan:
    """See RequestSpan."""

    def __init__(self, span: Span) -> None:
        self._span = span
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, set_span_in_context(span))
        self.traceparent: str | None = carrier.get(HEADER)

    def end(self, attributes: Mapping[str, str | int | float]) -> None:
        """See RequestSpan. By OpenTelemetry's convention a 5xx is the server's error and a 4xx is none."""
        self._span.set_attributes(attributes)
        if int(attributes.get("http.response.status_code", 0)) >= 500:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.update_name(f"{attributes.get('http.request.method')} {attributes.get('http.route')}")
        self._span.end()


class OtelTraces:
    """See Traces. ``processor`` takes ended spans; the provider is this object's own and not the process's.

    ``now_ns`` gives nanoseconds since 1970.
    """

    def __init__(self, processor: "SpanProcessor", version: str, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._now_ns = now_ns
        resource = Resource.create({"service.name": SERVICE, "service.version": version})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(SERVICE, version)

    def begin(self, method: str, traceparent: str | None) -> RequestSpan:
        """See Traces. A header that is none begins a trace of its own."""
        context = TraceContextTextMapPropagator().extract({HEADER: traceparent} if traceparent else {})
        return OtelRequestSpan(self._tracer.start_span(method, context, SpanKind.SERVER))

    def image(self, traceparent: str | None, image: ImageResult) -> None:
        """See Traces."""
        if traceparent is None:
            return
        context = TraceContextTextMapPropagator().extract({HEADER: traceparent})
        for stage in stages_of(image.index, image.timings, image.counts, self._now_ns()):
            span = self._tracer.start_span(
                stage.name, context, attributes=stage.attributes, start_time=stage.begin_ns
            )
            span.end(stage.end_ns)

    def close(self) -> None:
        """See Traces."""
        self._provider.shutdown()
