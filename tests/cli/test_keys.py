"""``h2serve keys`` and what a server does with them while it runs."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from server.access.store import SEEN_WITHIN_S
from server.engine.fake import InstantEngine
from tests.cli.test_commands import code_of, run
from tests.live import live_server


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "keys.json")


def add(file: str, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    run("keys", "add", "--keys", file, "--json", *words)
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_a_key_is_shown_once_and_listed_without_its_secret(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = add(file, capsys, "--tenant", "lab", "--weight", "2", "--max-n", "3", "--cost-per-s", "0.5")
    add(file, capsys, "--tenant", "ops", "--admin")
    run("keys", "list", "--keys", file, "--json")
    text = capsys.readouterr().out
    assert made["key"] not in text
    listed = json.loads(text)
    assert [key["tenant"] for key in listed] == ["lab", "ops"]
    assert (listed[0]["id"], listed[0]["weight"]) == (made["id"], 2)
    assert listed[0]["limits"] == {"max_images": 3, "cost_per_s": 0.5}
    run("keys", "list", "--keys", file)
    shown = capsys.readouterr().out
    assert made["id"] in shown
    assert made["key"] not in shown


def test_a_running_server_takes_new_keys_and_drops_revoked_ones(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = add(file, capsys, "--tenant", "lab")
    with live_server(InstantEngine, keys=file) as client:

        def status(secret: str) -> int:
            return client.get("/v1/models", headers={"x-key": secret}).status_code

        assert status(first["key"]) == 200
        second = add(file, capsys, "--tenant", "lab")
        run("keys", "revoke", first["id"], "--keys", file)
        until_s = time.monotonic() + SEEN_WITHIN_S
        while (status(first["key"]), status(second["key"])) != (401, 200):
            assert time.monotonic() < until_s
            time.sleep(0.05)


def test_an_image_is_made_with_a_key_and_not_without(
    file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = add(file, capsys, "--tenant", "lab")["key"]
    with live_server(InstantEngine, keys=file) as client:
        words = ("generate", "a red star", "-o", str(tmp_path / "a.png"), "--url", str(client.base_url))
        assert code_of(*words) == 2
        assert "an API key is missing" in capsys.readouterr().err
        run(*words, "--key", key)
        monkeypatch.setenv("H2SERVE_API_KEY", key)
        run(*words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("revoke", "nobody"), "there is no key 'nobody'"),
        (("list", "--keys", "/nowhere/keys.json"), "No such file"),
        (("add", "--tenant", "x", "--keys", "/nowhere/keys.json"), "No such file"),
    ],
)
def test_what_is_wrong_is_one_line(
    file: str, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add(file, capsys, "--tenant", "lab")
    where = () if "--keys" in words else ("--keys", file)
    assert code_of("keys", *words, *where) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_open_door_to_the_world_stops_the_start_unless_it_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("serve", "--host", "0.0.0.0", "--port", "0", "--model", "./none") == 2
    assert "--insecure-no-auth" in capsys.readouterr().err
    assert code_of("serve", "--host", "0.0.0.0", "--port", "0", "--insecure-no-auth", "--model", "./none") == 2
    assert "does not exist" in capsys.readouterr().err
