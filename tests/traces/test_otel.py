"""Traces as OpenTelemetry's SDK hands them to an exporter."""

import sys
from collections.abc import Iterator

import pytest

from server.errors import SettingsError
from server.request import ImageResult
from server.traces.interface import NoTraces
from server.traces.open import open_traces
from tests.traces.test_stages import COUNTS, TIMINGS

pytest.importorskip("opentelemetry.sdk", reason="the extra h2serve[otel] is not installed")

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from server.traces.otel import OtelTraces

IMAGE = ImageResult(0, 7, "key", COUNTS, TIMINGS, text_tokens=9)
ROUTE = "/v1/images/generations"
CLIENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ANSWERED: dict[str, str | int | float] = {
    "http.request.method": "POST",
    "http.route": ROUTE,
    "http.response.status_code": 200,
}


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(exporter: InMemorySpanExporter) -> Iterator[OtelTraces]:
    traces = OtelTraces(SimpleSpanProcessor(exporter), "0.1.0", now_ns=lambda: 2_000_000_000)
    yield traces
    traces.close()


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def test_a_worker_s_stages_are_parts_of_the_request_s_trace(
    traces: OtelTraces, exporter: InMemorySpanExporter
) -> None:
    request = traces.begin("POST", None)
    traces.image(request.traceparent, IMAGE)
    request.end(ANSWERED)
    spans = by_name(exporter)
    assert set(spans) == {f"POST {ROUTE}", "queue", "encode", "denoise", "decode"}
    root = spans[f"POST {ROUTE}"].context
    assert parent_of(spans[f"POST {ROUTE}"]) is None
    for name in ("queue", "encode", "denoise", "decode"):
        assert parent_of(spans[name]) == root.span_id
        assert spans[name].context.trace_id == root.trace_id
    assert (spans["denoise"].attributes or {})["h2serve.structure_hits"] == 12
    assert spans["decode"].end_time == 2_000_000_000


def test_a_client_that_traces_has_the_request_in_its_own_trace(
    traces: OtelTraces, exporter: InMemorySpanExporter
) -> None:
    request = traces.begin("POST", CLIENT)
    request.end(ANSWERED)
    (span,) = exporter.get_finished_spans()
    assert span.context.trace_id == 0x4BF92F3577B34DA6A3CE929D0E0E4736
    assert parent_of(span) == 0x00F067AA0BA902B7


@pytest.mark.parametrize("header", ["", "x", "00-0-0-0", CLIENT[:-1], "00-" + "0" * 32 + "-00f067aa0ba902b7-01"])
def test_a_header_that_is_none_begins_a_new_trace(
    header: str, traces: OtelTraces, exporter: InMemorySpanExporter
) -> None:
    traces.begin("POST", header).end(ANSWERED)
    (span,) = exporter.get_finished_spans()
    assert parent_of(span) is None


def test_a_server_s_error_is_marked_and_a_client_s_is_not(
    traces: OtelTraces, exporter: InMemorySpanExporter
) -> None:
    for code in (429, 500):
        traces.begin("POST", None).end({**ANSWERED, "http.response.status_code": code})
    refused, failed = exporter.get_finished_spans()
    assert refused.status.is_ok or refused.status.is_unset
    assert not (failed.status.is_ok or failed.status.is_unset)


def test_an_image_of_a_job_without_a_trace_is_not_told(traces: OtelTraces, exporter: InMemorySpanExporter) -> None:
    traces.image(None, IMAGE)
    assert exporter.get_finished_spans() == ()


def test_without_an_endpoint_nobody_listens() -> None:
    traces = open_traces("", "0.1.0")
    assert isinstance(traces, NoTraces)
    assert traces.begin("POST", CLIENT).traceparent is None


def test_an_endpoint_without_the_extra_stops_the_start_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    with pytest.raises(SettingsError, match=r"pip install 'h2serve\[otel\]'"):
        open_traces("http://127.0.0.1:4318", "0.1.0")
