"""``h2serve serve`` as a process: it says where it is, ends orderly, and says in one line why it cannot start."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.app_engine import real_engine
from server.profile import load_profile
from tests.live import live_server, settings_for_tests
from tests.plain_http import client_of
from tests.tiny_flux import save_tiny_flux


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_flux(tmp_path_factory.mktemp("command") / "tiny-flux")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "server", "serve", "--port", "0", "--device", "cpu", *map(str, arguments)]


@contextmanager
def serving(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A ready process and a client of it."""
    with subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            address = next(
                found.group() for line in process.stdout if (found := re.search(r"http://[0-9.:]+", line))
            )
            with client_of(address) as client:
                yield process, client
        finally:
            process.kill()


def test_a_folder_without_a_profile_is_served_under_its_own_name(folder: Path) -> None:
    settings = settings_for_tests(model=str(folder), device="cpu")
    with live_server(lambda: real_engine(settings, load_profile(str(folder))), model=str(folder)) as client:
        (model,) = client.get("/v1/models").json()["data"]
        assert (model["id"], model["default_size"]) == ("tiny-flux", "1024x1024")
        body = {"prompt": "a", "size": "256x256", "num_inference_steps": 2, "model": "tiny-flux"}
        assert client.post("/v1/images/generations", json=body).status_code == 200


def test_sigterm_lets_running_requests_finish_while_not_ready_and_the_exit_code_is_0(folder: Path) -> None:
    with serving("--model", folder) as (process, client):
        answers: list[httpx.Response] = []
        body: dict[str, Any] = {"prompt": "a", "size": "512x512", "num_inference_steps": 15, "cache": "off"}
        running = threading.Thread(target=lambda: answers.append(client.post("/v1/images/generations", json=body)))
        running.start()
        while "h2serve_queue_images_running 1.0" not in client.get("/metrics").text:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        while client.get("/readyz").status_code != 503:
            time.sleep(0.01)
        refused = client.post("/v1/images/generations", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")
        assert client.get("/livez").status_code == 200
        running.join()
        assert answers[0].status_code == 200
        assert process.wait(60) == 0


ONE_AFTER_ANOTHER = """
import json, sys
from server.__main__ import main
for words in json.loads(sys.argv[1]):
    try:
        main(["serve", "--port", "0", "--device", "cpu", *words])
    except SystemExit as ended:
        print(ended.code, file=sys.stderr)
"""


def test_what_cannot_start_says_so_in_one_line_and_exits_with_2(tmp_path: Path) -> None:
    """In one process: a second of imports for all of them."""
    wrong = {
        "does not exist, and a hub id": ["--model", "./no-such-folder"],
        "model_index.json": ["--model", str(tmp_path)],
        "no-such.toml": ["--config", "no-such.toml"],
        "device": ["--device", "gpu"],
        "max_batch": ["--max-batch", "0"],
        "cannot listen": ["--host", "256.0.0.1", "--insecure-no-auth"],
    }
    asked = [sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps([*wrong.values()])]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    lines = done.stderr.splitlines()
    assert lines[1::2] == ["2"] * len(wrong)
    for said, line in zip(wrong, lines[::2], strict=True):
        assert line.startswith("h2serve: ")
        assert said in line


def test_an_unknown_environment_variable_is_refused_by_name() -> None:
    environ = {**os.environ, "H2SERVE_SURPRISE": "1"}
    done = subprocess.run(command(), capture_output=True, text=True, timeout=120, check=False, env=environ)
    assert done.returncode == 2
    assert "H2SERVE_SURPRISE" in done.stderr
