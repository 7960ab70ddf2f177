"""A full queue refuses at once; a client that hangs up takes its job along; the API needs no torch."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from server.engine.fake import InstantEngine
from tests.api.conftest import error_of, generate
from tests.live import live_server


@pytest.fixture
def hold() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def waiting_images(client: httpx.Client) -> tuple[float, float]:
    lines = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if line[0] != "#")
    return float(lines["h2serve_queue_images_waiting"]), float(lines["h2serve_queue_images_running"])


def until(client: httpx.Client, waiting: float, running: float) -> None:
    """Wait for the queue to have that depth; the test's own time limit is the client's patience."""
    for _ in range(500):
        if waiting_images(client) == (waiting, running):
            return
        time.sleep(0.01)
    raise AssertionError(f"depth is {waiting_images(client)}, expected {(waiting, running)}")


def test_a_full_queue_refuses_at_once_whole_and_says_when_to_return(hold: threading.Event) -> None:
    with live_server(lambda: InstantEngine(max_batch=2, hold=hold), max_queue=4) as client:
        answers: list[httpx.Response] = []
        threads = [
            threading.Thread(target=lambda: answers.append(generate(client, n=2, seed=1))) for _ in range(3)
        ]
        for thread, waiting in zip(threads, (0, 2, 4), strict=True):
            thread.start()
            until(client, waiting=waiting, running=2)
        refused = generate(client, n=1)
        assert (refused.status_code, error_of(refused)["code"]) == (429, "queue_full")
        assert 'h2serve_refusals_total{reason="queue_full"} 1.0' in client.get("/metrics").text
        assert 1 <= int(refused.headers["retry-after"]) <= 120
        assert "x-should-retry" not in refused.headers
        hold.set()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [200] * 3


def test_more_images_than_the_queue_ever_holds_are_refused_for_good() -> None:
    with live_server(InstantEngine, max_queue=4) as client:
        assert generate(client, n=4).status_code == 200
        refused = generate(client, n=5)
        assert (refused.status_code, error_of(refused)["param"]) == (400, "n")
        assert "from 1 to 4" in error_of(refused)["message"]


def test_a_client_that_hangs_up_cancels_its_request(hold: threading.Event) -> None:
    with live_server(lambda: InstantEngine(hold=hold)) as client:
        body = b'{"prompt": "a red star"}'
        head = f"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        url = client.base_url
        with socket.create_connection((url.host, url.port or 80)) as raw:
            raw.sendall(head.encode() + body)
            until(client, waiting=0, running=1)
        until(client, waiting=0, running=0)
        hold.set()
        assert generate(client).status_code == 200


def test_a_client_that_hangs_up_while_sending_is_no_fault_of_the_server(client: httpx.Client) -> None:
    head = "POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as raw:
        raw.sendall(head.encode() + b'{"prompt": "a red')
    counted = 'h2serve_requests_total{code="409",route="/v1/images/generations"}'
    for _ in range(500):
        text = client.get("/metrics").text
        if counted in text:
            break
        time.sleep(0.01)
    assert counted in text
    assert 'code="500"' not in text
    assert generate(client).status_code == 200


def test_an_image_that_cannot_be_made_is_a_500_that_is_not_to_be_repeated_and_harms_nobody() -> None:
    with live_server(lambda: InstantEngine(fail_on="broken")) as client:
        response = generate(client, prompt="a broken thing", n=2)
        assert (response.status_code, error_of(response)["code"]) == (500, "generation_failed")
        assert response.headers["x-should-retry"] == "false"
        assert generate(client).status_code == 200


def test_an_oversized_header_is_refused_and_the_server_goes_on(client: httpx.Client) -> None:
    url = client.base_url
    with socket.create_connection((url.host, url.port or 80)) as raw:
        raw.settimeout(10)
        raw.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\nx-big: ")
        try:
            for _ in range(64):
                raw.sendall(b"x" * 65536)
            answer = raw.recv(100)
        except ConnectionError:
            answer = b""
        assert b" 200 " not in answer
    assert client.get("/livez").status_code == 200


def test_the_api_does_not_import_torch() -> None:
    code = "import sys, server.api.router, server.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_worker_does_not_import_the_api_nor_torch_before_its_engine() -> None:
    code = (
        "import sys, server.cluster.worker_server, server.app_engine; "
        "sys.exit(bool({'fastapi', 'httpx', 'torch'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
