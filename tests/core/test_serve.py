"""A serving process's life: loading, serving, draining, and what it says when it cannot go on.

``serve`` runs on the test's own loop with the signals of the test's process; the client is a thread.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from server.app import EmbeddedServer
from server.app_engine import LoadEngine
from server.cli.serve import greeting
from server.engine.fake import InstantEngine
from server.engine.interface import SampleOrder
from server.errors import ModelLoadError, ServerError, StartupError
from server.profile import load_profile
from server.serve import open_socket, serve
from tests.clients.foreign import there_or_skip
from tests.live import settings_for_tests
from tests.plain_http import client_of

IMAGES = "/v1/images/generations"
BODY = {"prompt": "a large red star at the top on a white background", "seed": 1}
User = Callable[[httpx.Client], None]


class BrokenEngine(InstantEngine):
    """Breaks the contract: it raises at an order."""

    def submit(self, order: SampleOrder) -> None:
        raise RuntimeError("this engine is broken")


def serve_to(user: User, load_engine: LoadEngine, **changes: Any) -> None:
    """Serve while ``user`` runs in a thread; whatever it does, SIGTERM comes after it."""
    server = EmbeddedServer(settings_for_tests(**changes), load_profile("flux-nano"), load_engine)
    listening = open_socket("127.0.0.1", 0)
    port, failures = listening.getsockname()[1], list[BaseException]()

    def use() -> None:
        try:
            with client_of(f"http://127.0.0.1:{port}") as client:
                user(client)
        except BaseException as error:
            failures.append(error)
        finally:
            terminate()

    thread = threading.Thread(target=use)

    async def whole() -> None:
        thread.start()
        try:
            await serve(server, listening, lambda: None)
        finally:
            # The loop's end takes its signal handlers along, and SIGTERM may be still to come.
            await asyncio.to_thread(thread.join)

    previous = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        asyncio.run(whole())
    finally:
        thread.join()
        signal.signal(signal.SIGTERM, previous)
        for failure in failures:
            raise failure


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def until_answers(client: httpx.Client, path: str, status: int) -> httpx.Response:
    while (response := client.get(path)).status_code != status:
        pass
    return response


def until_running(client: httpx.Client) -> None:
    while "h2serve_queue_images_running 1.0" not in client.get("/metrics").text:
        pass


def test_nothing_is_taken_before_the_model_is_loaded() -> None:
    loading = threading.Event()

    def load() -> InstantEngine:
        assert loading.wait(60)
        return InstantEngine()

    def user(client: httpx.Client) -> None:
        for path in ("/startupz", "/readyz"):
            assert client.get(path).status_code == 503
        refused = client.post(IMAGES, json=BODY)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")
        assert client.get("/livez").status_code == 200
        loading.set()
        until_answers(client, "/readyz", 200)
        assert client.get("/startupz").status_code == 200
        assert client.post(IMAGES, json=BODY).status_code == 200

    serve_to(user, load)


def test_sigterm_while_a_request_runs_refuses_new_ones_and_finishes_it() -> None:
    hold = threading.Event()
    answers: list[int] = []

    def user(client: httpx.Client) -> None:
        until_answers(client, "/readyz", 200)
        held = threading.Thread(target=lambda: answers.append(client.post(IMAGES, json=BODY).status_code))
        held.start()
        until_running(client)
        terminate()
        assert "draining" in until_answers(client, "/readyz", 503).text
        assert client.post(IMAGES, json=BODY).status_code == 503
        assert client.get("/startupz").status_code == 200
        assert not answers
        hold.set()
        held.join()

    serve_to(user, lambda: InstantEngine(hold=hold))
    assert answers == [200]


def test_a_request_that_outlasts_the_grace_time_is_answered_with_503() -> None:
    answers: list[int] = []

    def user(client: httpx.Client) -> None:
        until_answers(client, "/readyz", 200)
        held = threading.Thread(target=lambda: answers.append(client.post(IMAGES, json=BODY).status_code))
        held.start()
        until_running(client)
        terminate()
        held.join()

    serve_to(user, lambda: InstantEngine(hold=threading.Event()), shutdown_grace_s=0.1)
    assert answers == [503]


def test_a_half_sent_request_does_not_keep_the_process_alive() -> None:
    half = f"POST {IMAGES} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    kept: list[socket.socket] = []

    def user(client: httpx.Client) -> None:
        until_answers(client, "/readyz", 200)
        kept.append(socket.create_connection((client.base_url.host, client.base_url.port or 80)))
        kept[0].sendall(half.encode())

    serve_to(user, InstantEngine)
    with kept[0]:
        assert kept[0].recv(65536)[:12] in (b"", b"HTTP/1.1 503", b"HTTP/1.1 500", b"HTTP/1.1 408")


def test_sigterm_while_loading_does_not_wait_for_the_model() -> None:
    never = threading.Event()

    def load() -> InstantEngine:
        never.wait(60)
        return InstantEngine()

    def user(client: httpx.Client) -> None:
        assert client.get("/readyz").status_code == 503

    serve_to(user, load)
    assert not never.is_set()
    never.set()


def test_a_model_that_cannot_be_loaded_ends_serving_with_its_error() -> None:
    def load() -> InstantEngine:
        raise ModelLoadError("model folder 'x' does not exist")

    with pytest.raises(ModelLoadError, match="does not exist"):
        serve_to(lambda client: None, load)


def test_a_worker_that_stops_ends_serving_with_an_error_and_its_clients_with_503() -> None:
    answers: list[int] = []

    def user(client: httpx.Client) -> None:
        until_answers(client, "/readyz", 200)
        answers.append(client.post(IMAGES, json=BODY).status_code)

    with pytest.raises(ServerError, match="stopped by itself"):
        serve_to(user, BrokenEngine)
    assert answers == [503]


def test_a_port_in_use_is_one_clear_error() -> None:
    with open_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(StartupError, match=f"cannot listen on 127.0.0.1:{port}"):
            open_socket("127.0.0.1", port)


def test_the_line_that_is_printed_makes_an_image(tmp_path: Path) -> None:
    there_or_skip(shutil.which("curl"), "there is no curl here")

    def user(client: httpx.Client) -> None:
        until_answers(client, "/readyz", 200)
        text = greeting(str(client.base_url), load_profile("flux-nano"), playground=True)
        line = text.partition("Try:")[2]
        subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True, timeout=60)

    serve_to(user, InstantEngine)
    with Image.open(tmp_path / "image.png") as image:
        assert (image.format, image.size) == ("PNG", (128, 128))
