"""Which traces a process tells, by its settings."""

from server.errors import SettingsError
from server.traces.interface import NoTraces, Traces

SEND_WITHIN_S = 3
"""A collector that is gone may hold up the process's end for so long."""


def open_traces(endpoint: str, version: str) -> Traces:
    """None without an endpoint; else by OTLP over HTTP. Raises SettingsError when the extra is not installed."""
    if not endpoint:
        return NoTraces()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from server.traces.otel import OtelTraces
    except ImportError as error:
        raise SettingsError(
            "otel_endpoint is set, but the extra is not installed: pip install 'h2serve[otel]'"
        ) from error
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=SEND_WITHIN_S)
    return OtelTraces(BatchSpanProcessor(exporter), version)
