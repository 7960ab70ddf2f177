"""A whole server tells a request's trace to a collector."""

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra h2serve[otel] is not installed")

from server.engine.fake import InstantEngine
from tests.live import live_server
from tests.traces.collector import collecting

CLIENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
BODY = {"prompt": "a secret star", "num_inference_steps": 4, "size": "64x64", "cache": "fast"}


def test_a_request_is_one_trace_from_the_client_s_span_to_the_decoding() -> None:
    with collecting() as collector:
        with live_server(InstantEngine, otel_endpoint=collector.address) as client:
            answer = client.post("/v1/images/generations", json=BODY, headers={"traceparent": CLIENT})
            assert answer.status_code == 200
            client.get("/livez")
        # The drained server has sent all it had.
        request = collector.named("POST /v1/images/generations")
        assert request.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert request.parent_span_id.hex() == "00f067aa0ba902b7"
        for name in ("queue", "encode", "denoise", "decode"):
            assert collector.named(name).parent_span_id == request.span_id
        told = {pair.key: pair.value.int_value for pair in collector.named("denoise").attributes}
        assert (told["h2serve.full"], told["h2serve.structure_hits"]) == (2, 2)
        assert len(collector.spans) == 5, "probes are not traced"
        assert "secret" not in str(collector.spans)


def test_a_collector_that_is_gone_harms_no_request() -> None:
    with live_server(InstantEngine, otel_endpoint="http://127.0.0.1:9") as client:
        assert client.post("/v1/images/generations", json=BODY).status_code == 200
