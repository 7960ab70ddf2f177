"""The programs that run beside the server in a container."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

DOCKER = Path(__file__).parent.parent.parent / "docker"


def run(program: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DOCKER / program), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def url() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/livez" else 503)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_healthy_server_is_healthy_and_others_say_why_not(url: str) -> None:
    assert run("healthcheck.py", f"{url}/livez").returncode == 0
    sick = run("healthcheck.py", f"{url}/readyz")
    assert (sick.returncode, "503" in sick.stderr) == (1, True)
    gone = run("healthcheck.py", "http://127.0.0.1:9/livez")
    assert gone.returncode == 1 and gone.stderr.startswith("no answer: ") and gone.stderr.count("\n") == 1


def test_the_password_is_made_once_and_redis_gets_the_same(tmp_path: Path) -> None:
    assert run("redis_password.py", tmp_path).returncode == 0
    password = (tmp_path / "redis_password").read_text().strip()
    assert len(password) == 64
    assert (tmp_path / "redis.conf").read_text() == f"requirepass {password}\n"
    assert run("redis_password.py", tmp_path).returncode == 0
    assert (tmp_path / "redis_password").read_text().strip() == password


def test_every_container_s_user_can_read_the_password_and_none_write_it(tmp_path: Path) -> None:
    run("redis_password.py", tmp_path)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("redis_password", "redis.conf")} == {0o444}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["redis.conf", "redis_password"]


def test_two_passwords_differ(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run("redis_password.py", tmp_path / name)
    assert (tmp_path / "a/redis_password").read_text() != (tmp_path / "b/redis_password").read_text()
