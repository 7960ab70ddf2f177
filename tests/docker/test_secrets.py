"""What the compose file gives an API, without containers: keys in Redis, scrape token, secret of addresses."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from server.api.url_signer import Grant
from server.app_access import signer_of
from server.settings import DEFAULT_FILE, load_settings
from tests.cluster.processes import ServerProcess
from tests.redis_server import redis_server

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder of all secrets."""
    program = ROOT / "docker" / "make_secrets.py"
    subprocess.run([sys.executable, program, tmp_path, tmp_path], check=True)
    return tmp_path


@pytest.fixture
def environ(made: Path) -> Iterator[dict[str, str]]:
    """The service's, with keys asked for as its comment says; host names and folders are this test's."""
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["api"]
    with redis_server(requirepass=(made / "redis_password").read_text().strip()) as redis:
        place = f"redis://127.0.0.1:{redis.port}/0"
        given = {**service["environment"], "H2SERVE_KEYS": "redis://redis:6379/0", "H2SERVE_MODEL": "flux-nano"}
        given["H2SERVE_PUBLIC_URL"] = ""
        changes = {"redis://redis-results:6379/0": place, "redis://redis:6379/0": place}
        changes |= {"/run/h2serve-scrape": str(made), "/run/h2serve": str(made)}
        for name, value in given.items():
            for old, new in changes.items():
                value = value.replace(old, new)
            given[name] = value
        yield given


def add_key(environ: dict[str, str], *words: str) -> str:
    """By the very words of the comment; the secret."""
    command = [sys.executable, "-m", "server", "keys", "add", "--tenant", "lab", "--json", *words]
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=True)
    secret: str = json.loads(done.stdout)["key"]
    return secret


def test_with_keys_asked_for_nobody_calls_without_one_and_prometheus_has_its_token(
    environ: dict[str, str], made: Path
) -> None:
    api = ServerProcess(["api", "--host=127.0.0.1", "--port=0"], made / "api.log", environ)
    try:
        with httpx.Client(base_url=api.said(r"h2serve api: \S+ at (http://\S+),"), trust_env=False) as client:
            key, token = add_key(environ), (made / "token").read_text().strip()
            told = {secret: {"authorization": f"Bearer {secret}"} for secret in (key, token, "none")}

            def answer(path: str, secret: str) -> int:
                return client.get(path, headers=told[secret]).status_code

            assert [answer("/v1/models", secret) for secret in (key, token, "none")] == [200, 401, 401]
            assert [answer("/metrics", secret) for secret in (key, token, "none")] == [401, 200, 401]
            assert client.get("/metrics").status_code == client.get("/v1/models").status_code == 401
    finally:
        api.kill()


def test_an_address_that_one_api_signed_is_good_for_the_next(environ: dict[str, str]) -> None:
    one, other = (signer_of(load_settings(DEFAULT_FILE, {}, environ)) for _ in range(2))
    path, query = one.path("1" * 32, 0).split("?")
    assert other.judge(path.rsplit("/", 1)[1], dict(httpx.QueryParams(query))) is Grant.GOOD
