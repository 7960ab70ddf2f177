"""OpenTelemetry traces of requests, an optional extra: h2serve[otel]."""
