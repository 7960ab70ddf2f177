"""The parts of docker/compose_test that need no docker."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from docker.compose_test import prometheus
from docker.compose_test.bounds import OutOfTime, deadline, disk_mb
from docker.compose_test.client import Crowd
from docker.compose_test.commands import StepFailed

IMAGE = b'{"id": "job", "data": [{"b64_json": "AA=="}]}'


def test_the_deadline_ends_a_step_wherever_it_waits() -> None:
    began_s = time.monotonic()
    with pytest.raises(OutOfTime, match="not within 1200 s"), deadline(time.monotonic() + 0.1):
        time.sleep(30)
    with pytest.raises(OutOfTime), deadline(time.monotonic() - 1):
        time.sleep(30)
    assert time.monotonic() - began_s < 10


def test_a_run_that_is_in_time_hears_nothing_of_its_deadline() -> None:
    with deadline(time.monotonic() + 0.1):
        pass
    time.sleep(0.2)


def test_the_folder_s_size_is_what_it_takes_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    assert disk_mb(tmp_path) in (3, 4)


@pytest.fixture
def moody() -> Iterator[str]:
    """An API that refuses the first two requests."""
    left = [True, True]

    class Moody(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(503 if left and left.pop() else 200)
            self.send_header("content-length", str(len(IMAGE)))
            self.end_headers()
            self.wfile.write(IMAGE)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Moody) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_crowd_knows_which_of_its_clients_repeated(moody: str) -> None:
    crowd = Crowd(moody, 3)
    assert len(crowd.generate_all()) == 3
    assert 1 <= len(crowd.repeated) <= 2


def test_a_rule_without_a_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [{"rules": [{"name": name, "type": "recording"} for name in ("told", "silent")]}]
    answer = httpx.Response(200, json={"data": {"groups": groups}})
    answer.request = httpx.Request("GET", "http://x")
    monkeypatch.setattr(prometheus, "SCRAPED_S", 0.0)
    monkeypatch.setattr(httpx, "get", lambda *_, **__: answer)
    monkeypatch.setattr(prometheus, "query", lambda _, name: [{}] if name == "told" else [])
    with pytest.raises(StepFailed, match="recorded values of silent"):
        prometheus.wait_for_rules("http://x", lambda: None)
