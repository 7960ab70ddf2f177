"""Ctrl-C ends a command with 130, and cancels what it has asked for."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.engine.fake import InstantEngine
from tests.api.test_load import until
from tests.live import live_server


@pytest.fixture
def heard() -> Iterator[None]:
    """A shell's background jobs ignore Ctrl-C, and so would whatever they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_an_interrupted_generate_ends_with_130_and_its_job_is_cancelled(tmp_path: Path) -> None:
    hold = threading.Event()
    with live_server(lambda: InstantEngine(hold=hold)) as client:
        words = ["generate", "a star", "--url", str(client.base_url).rstrip("/"), "-o", str(tmp_path / "a.png")]
        with subprocess.Popen([sys.executable, "-m", "server", *words], stderr=subprocess.PIPE) as process:
            try:
                until(client, waiting=0, running=1)
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=60)
                # The engine is held until the server has seen the client go: else it may finish first.
                until(client, waiting=0, running=0)
            finally:
                process.kill()
                hold.set()
        assert process.returncode == 130
        assert b"Traceback" not in said
        (job,) = client.get("/v1/jobs").json()["data"]
        assert job["state"] == "cancelled"
    assert not (tmp_path / "a.png").exists()
