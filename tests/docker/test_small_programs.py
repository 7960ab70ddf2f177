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


def make_secrets(folder: Path, *words: str) -> dict[str, str]:
    """What it has made, by file."""
    scrape = folder / "scrape"
    scrape.mkdir(parents=True, exist_ok=True)
    assert run("make_secrets.py", folder, scrape, *words).returncode == 0
    return {path.name: path.read_text().strip() for path in folder.rglob("*") if path.is_file()}


def test_secrets_are_made_once_and_redis_gets_the_same_password(tmp_path: Path) -> None:
    made = make_secrets(tmp_path)
    assert made["redis.conf"] == f"requirepass {made['redis_password']}"
    secrets = [made[name] for name in ("redis_password", "url_secret", "token")]
    assert len(set(secrets)) == 3 and {len(secret) for secret in secrets} == {64}
    assert make_secrets(tmp_path) == made


def test_a_new_password_keeps_the_old_one_beside_it_and_the_other_secrets_as_they_are(tmp_path: Path) -> None:
    before = make_secrets(tmp_path)
    after = make_secrets(tmp_path, "--new-password")
    assert after["redis_password.old"] == before["redis_password"] != after["redis_password"]
    assert after["redis.conf"] == f"requirepass {after['redis_password']}"
    assert (after["url_secret"], after["token"]) == (before["url_secret"], before["token"])
    assert make_secrets(tmp_path) == after


def test_other_words_are_refused_with_one_line(tmp_path: Path) -> None:
    for words in ([], [tmp_path], [tmp_path, tmp_path, "--new"]):
        done = run("make_secrets.py", *words)
        assert done.returncode == 1 and done.stderr.startswith("usage: ") and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_every_container_s_user_can_read_the_secrets_and_none_write_them(tmp_path: Path) -> None:
    made = make_secrets(tmp_path, "--new-password")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o444}
    assert sorted(made) == ["redis.conf", "redis_password", "token", "url_secret"]


def test_prometheus_can_read_no_other_secret_than_its_token(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    assert [path.name for path in (tmp_path / "scrape").iterdir()] == ["token"]


def test_secrets_of_two_installations_differ(tmp_path: Path) -> None:
    one, other = (make_secrets(tmp_path / name) for name in ("a", "b"))
    assert not set(one.values()) & set(other.values())
