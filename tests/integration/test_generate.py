"""``h2serve generate`` without a server: the model is loaded, and the steps are shown as they were taken."""

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import run

PROMPT = "a large red heart at the left on a blue background"


def test_a_file_s_own_request_gives_the_same_file_and_each_step_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    small = ("--size", "64x64", "--steps", "6", "--device", "cpu")
    run("generate", PROMPT, "-o", "a.png", *small, "--tau1", "0.3", "--tau2", "0.3", "--json")
    counts = json.loads(capsys.readouterr().out)["cache"]
    run("generate", "--from", "a.png", "-o", "b.png", "--device", "cpu")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    (strip,) = [line for line in capsys.readouterr().err.splitlines() if line.endswith("6/6")]
    assert (strip.count("█"), strip.count("▓"), strip.count("░")) == (
        counts["full"],
        counts["detail_hits"],
        counts["structure_hits"],
    )
