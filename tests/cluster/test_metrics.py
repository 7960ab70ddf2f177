"""Two APIs and a worker as processes of their own: who counts what, and that they agree."""

import signal
import threading

import httpx
import pytest

from server.plan.measured import Sums, read_sums
from tests.cluster.processes import Cluster, ServerProcess, cluster, until, until_ready
from tests.redis_server import RedisServer
from tests.traces.collector import collecting

BODY = {"prompt": "a secret star", "num_inference_steps": 4, "size": "64x64", "cache": "fast"}
PATH = "/v1/images/generations"
PAIR = {"tau1": "0.2", "tau2": "0.3"}


def scraped(process: httpx.Client | ServerProcess) -> Sums:
    return read_sums(process.get("/metrics").text)


def test_workers_count_steps_apis_count_requests_and_all_apis_tell_one_queue(processes: Cluster) -> None:
    worker = processes.worker("slow-step:step_s=0.1", "--max-batch", "1")
    (_, one), (_, other) = processes.api(), processes.api()
    with one, other:
        until_ready(one)
        until_ready(other)
        clients = [threading.Thread(target=one.post, args=(PATH,), kwargs={"json": BODY}) for _ in range(4)]
        for client in clients:
            client.start()
        until(lambda: all(scraped(api).total("h2serve_queue_depth") > 0 for api in (one, other)))
        for client in clients:
            client.join()
        counted, first, second = scraped(worker), scraped(one), scraped(other)
        assert counted.total("h2serve_steps_total", **PAIR) == 16
        assert counted.total("h2serve_pair_denoise_seconds_count", **PAIR) == 4
        assert counted.total("h2serve_requests_total") == first.total("h2serve_steps_total") == 0
        assert first.total("h2serve_requests_total", route=PATH, code="200") == 4
        assert first.total("h2serve_pair_request_seconds_count", **PAIR) == 4
        ended = [sums.total("h2serve_jobs_total", state="finished") for sums in (counted, first, second)]
        assert sum(ended) == 4, "each end is counted once, by whoever brought it about"
        assert [first.total("h2serve_redis_writable", store=name) for name in ("queue", "results")] == [1, 1]
        assert second.total("h2serve_workers_live") == 1
        stats = [client.get("/v1/stats/thresholds").json() for client in (one, other)]
        assert stats[0] == stats[1]
        (pair,) = stats[0]["pairs"]
        assert (pair["preset"], pair["count"], pair["full"], pair["structure_hits"]) == ("fast", 4, 8, 8)


def test_a_request_is_one_trace_over_both_processes(redis: RedisServer) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="the extra h2serve[otel] is not installed")
    with collecting() as collector, cluster(redis.url, H2SERVE_OTEL_ENDPOINT=collector.address) as processes:
        worker = processes.worker("slow-step:step_s=0.01")
        api, client = processes.api()
        with client:
            until_ready(client)
            assert client.post(PATH, json=BODY).status_code == 200
        for process in (worker, api):
            process.signal(signal.SIGTERM)
            assert process.wait() == 0
        request = collector.named(f"POST {PATH}")
        for name in ("queue", "encode", "denoise", "decode"):
            assert collector.named(name).parent_span_id == request.span_id
            assert collector.named(name).trace_id == request.trace_id
        assert "secret" not in str(collector.spans)
