"""aiperf as an outside judge: the command line that we make for it, and what is kept of its output."""

import json
import sys
from pathlib import Path

import pytest

from load_tests.aiperf.__main__ import KEPT, PROVENANCE, main
from load_tests.aiperf.command import Judged, command_for, write_prompts
from load_tests.mix import load_mix

JUDGED = Judged("http://127.0.0.1:8000", "flux-nano", "tokenizer", rate=2.0, requests=30, slo_s=1.5)
STANDS_IN = """#!{python}
import pathlib, sys
folder = pathlib.Path(sys.argv[sys.argv.index("--artifact-dir") + 1])
folder.mkdir()
for name in {kept}:
    (folder / name).write_text(" ".join(sys.argv))
raise SystemExit({code})
"""


def stand_in(folder: Path, code: int = 0) -> Path:
    path = folder / "aiperf"
    path.write_text(STANDS_IN.format(python=sys.executable, kept=KEPT, code=code))
    path.chmod(0o755)
    return path


def test_the_mix_s_first_size_steps_and_pair_go_into_every_request() -> None:
    command = command_for("aiperf", JUDGED, load_mix("nano"), Path("prompts"), Path("out"))
    extra = json.loads(command[command.index("--extra-inputs") + 1])
    assert extra == {
        "size": "128x128",
        "num_inference_steps": 20,
        "guidance_scale": 3.5,
        "tau1": 0.08,
        "tau2": 0.10,
    }
    assert command[command.index("--goodput") + 1] == "request_latency:1500"


def test_prompts_are_the_mix_s_a_line_each(tmp_path: Path) -> None:
    mix = load_mix("nano")
    lines = write_prompts(mix, tmp_path).read_text().splitlines()
    assert tuple(json.loads(line)["text"] for line in lines) == mix.prompts


def test_its_tables_are_kept_with_where_they_came_from(tmp_path: Path) -> None:
    words = ["--url", "http://127.0.0.1:9", "--aiperf", str(stand_in(tmp_path)), "--out", str(tmp_path / "kept")]
    main(words)
    assert sorted(file.name for file in (tmp_path / "kept").iterdir()) == sorted((*KEPT, PROVENANCE))
    assert "--endpoint-type image_generation" in (tmp_path / "kept" / KEPT[0]).read_text()
    told = json.loads((tmp_path / "kept" / PROVENANCE).read_text())
    assert told["command"] == f"python -m load_tests.aiperf {' '.join(words)}"
    assert told["aiperf"] is None, "the stand-in has no Python beside it"
    assert told["machine"]["cores"] and told["machine"]["packages"] and told["started"].startswith("20")
    assert told["server"]["build"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--aiperf", "./no-such"), "make aiperf"),
        (("--url", "http://example.org"), "--i-own-this-server"),
        (("--mix", "no-such"), "shipped are"),
    ],
)
def test_what_cannot_start_says_why(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*words])
    assert said in capsys.readouterr().err


def test_a_failure_of_its_own_is_ours_and_leaves_no_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--aiperf", str(stand_in(tmp_path, 3)), "--out", str(tmp_path / "kept")])
    assert "ended with 3" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()
