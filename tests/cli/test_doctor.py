"""``h2serve doctor`` says what is there, and that something is wrong by its exit code."""

import json
from pathlib import Path
from typing import Any

import pytest

from server.cli.checkup import num_parameters
from tests.cli.test_commands import code_of, run
from tests.redis_server import redis_server
from tests.tiny_flux import save_tiny_flux


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    return {one["what"]: one for one in json.loads(capsys.readouterr().out)}


def test_the_shipped_model_is_there_and_fits(capsys: pytest.CaptureFixture[str]) -> None:
    run("doctor", "--json", "--device", "cpu")
    found = findings(capsys)
    assert not [one for one in found.values() if one["state"] == "bad"]
    assert "flux-nano: 14.0 million parameters" in found["model"]["said"]
    assert found["device"]["said"].startswith("cpu")


def test_with_load_it_says_how_many_images_fit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run("doctor", "--load", "--json", "--device", "cpu", "--model", str(save_tiny_flux(tmp_path / "tiny")))
    assert "1024x1024" in findings(capsys)["batch"]["said"]


@pytest.mark.parametrize(
    ("words", "what", "said"),
    [
        (("--device", "gpu"), "settings", "device"),
        (("--device", "cuda:99"), "device", "cuda:99"),
        (("--model", "./none"), "model", "has no model_index.json"),
    ],
)
def test_what_is_wrong_is_found_and_ends_with_1(
    words: tuple[str, ...], what: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of("doctor", "--json", *words) == 1
    found = findings(capsys)
    assert found[what]["state"] == "bad"
    assert said in found[what]["said"]
    assert code_of("doctor", *words) == 1
    assert f"✗  {what}" in capsys.readouterr().out


def test_a_hub_id_is_noted_and_nothing_is_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    run("doctor", "--json", "--device", "cpu", "--model", "black-forest-labs/FLUX.1-dev")
    assert findings(capsys)["model"]["state"] == "note"


def test_broken_weights_are_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    (tmp_path / "broken.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0no json!")
    assert code_of("doctor", "--json", "--device", "cpu", "--model", str(tmp_path)) == 1
    assert "cannot be read" in findings(capsys)["model"]["said"]


def test_parameters_are_counted_from_the_header_alone(tmp_path: Path) -> None:
    header = b'{"__metadata__": {}, "a": {"shape": [2, 3]}, "b": {"shape": []}}'
    file = tmp_path / "x.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    assert num_parameters(file) == 7


def test_a_redis_of_the_settings_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with redis_server(appendonly="no") as server:
        monkeypatch.setenv("H2SERVE_REDIS", server.url)
        run("doctor", "--json", "--device", "cpu")
        found = findings(capsys)["redis server"]
        assert found["state"] == "note"
        assert "appendonly is off" in found["said"]
        monkeypatch.setenv("H2SERVE_RESULTS_REDIS", "redis://127.0.0.1:9")
        assert code_of("doctor", "--json", "--device", "cpu") == 1
        found = findings(capsys)["results redis"]
        assert (found["state"], found["said"]) == ("bad", "Redis cannot be reached")
        monkeypatch.delenv("H2SERVE_RESULTS_REDIS")
    assert code_of("doctor", "--json", "--device", "cpu") == 1
    assert findings(capsys)["redis server"]["said"] == "Redis cannot be reached"
