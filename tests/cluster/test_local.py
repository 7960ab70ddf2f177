"""``make cluster`` on one machine: it starts all parts, starts again who dies, and stops everything on Ctrl-C."""

import os
import re
import signal
from pathlib import Path

from server.cluster.local import threads_each
from server.cluster.local_redis import answers
from tests.cluster.processes import ServerProcess, until, until_ready
from tests.plain_http import client_of


def test_a_local_cluster_makes_images_outlives_its_worker_and_stops_in_order(tmp_path: Path) -> None:
    words = ["cluster", "--port", "0", "--workers", "1", "--folder", str(tmp_path / "data")]
    started = ServerProcess(words, tmp_path / "cluster.log", {})
    try:
        redis_port = int(started.said(r"Redis at redis://127\.0\.0\.1:(\d+)"))
        with client_of(started.said(r"h2serve api: \S+ at (http://\S+),")) as client:
            worker = int(started.said(r"h2serve worker \S+-(\d+)-\w+:"))
            until_ready(client)
            body = {"prompt": "a yellow heart", "num_inference_steps": 4, "seed": 1}
            assert client.post("/v1/images/generations", json=body).status_code == 200
            os.kill(worker, signal.SIGKILL)
            until(lambda: len(re.findall(r"h2serve worker \S+:", started.text)) == 2)
            assert "worker 0 ended with -9, starting it again" in started.text
        started.signal(signal.SIGINT)
        assert started.wait() == 0
        assert started.text.rstrip().endswith("h2serve cluster: stopped")
        assert not answers(redis_port)
        assert (tmp_path / "data" / "appendonlydir").exists() or (tmp_path / "data" / "appendonly.aof").exists()
    finally:
        if not started.has_ended:
            started.signal(signal.SIGTERM)
            started.wait()


def test_workers_share_the_cores() -> None:
    cores = os.cpu_count() or 1
    assert threads_each(1) == str(cores)
    assert threads_each(2 * cores) == "1"
