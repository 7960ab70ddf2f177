"""A folder has one run: what goes on with other prompts, seeds or a model of another name is refused."""

import json
from pathlib import Path

import pytest

from h2cache.arena.rows import read_rows
from tests.arena.conftest import Arena


def refusal(arena: Arena, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The last line of a call that is refused."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        arena("--methods", "mask", *words)
    assert ended.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_another_run_is_refused_in_a_line_that_says_what_differs(
    arena: Arena, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = arena("--methods", "mask")
    rows = (out / "results.csv").read_bytes()
    (tmp_path / "others.txt").write_text("a blue dog\na house\n")
    (tmp_path / "again").symlink_to(folder)
    for words, said in (
        (("--seeds", "2"), "seeds 1 there, 2 here"),
        (("--size", "64x96"), "size 64x64 there, 64x96 here"),
        (("--guidance", "2"), "guidance 3.5 there, 2.0 here"),
        (("--model", "owner/name"), f"model {folder} there, owner/name here"),
        (("--prompts", str(tmp_path / "others.txt")), "prompts sha256:"),
        (("--checker", "tests.arena.checkers:likes_cats"), "checker none there, tests.arena.checkers:"),
        (("--device", "cuda"), "device cpu there, cuda here"),
    ):
        told = refusal(arena, capsys, *words)
        assert told.startswith(f"arena: {str(out)!r} has another run: {said}")
        assert told.endswith("; give another --out, or delete that folder")
    assert (out / "results.csv").read_bytes() == rows
    arena("--methods", "mask", "--model", str(tmp_path / "again"))
    assert (out / "results.csv").read_bytes() == rows


def test_more_steps_and_more_methods_are_no_other_run(arena: Arena, tmp_path: Path) -> None:
    arena("--methods", "mask", "--steps", "3")
    (tmp_path / "prompts.txt").write_text("\n  a red cat\nein grünes Haus", encoding="utf-8")
    out = arena("--methods", "mask,procache", "--steps", "4")
    assert {(row.method, row.steps) for row in read_rows(out / "results.csv")} == {
        *((method, 3) for method in ("off", "mask")),
        *((method, 4) for method in ("off", "mask", "procache")),
    }


def test_rows_of_before_there_was_a_run_json_are_taken_over(
    arena: Arena, capsys: pytest.CaptureFixture[str]
) -> None:
    out = arena("--methods", "mask")
    rows = (out / "results.csv").read_bytes()
    (out / "run.json").unlink()
    arena("--methods", "mask")
    assert (out / "results.csv").read_bytes() == rows
    assert json.loads((out / "run.json").read_text())["seeds"] == 1
    assert "seeds 1 there, 2 here" in refusal(arena, capsys, "--seeds", "2")


@pytest.mark.parametrize("content", ["[]", "{", "\udcff"])
def test_a_run_json_that_is_none_is_said_to_be_none(
    arena: Arena, tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert "run.json' is no file of the arena's: " in refusal(arena, capsys)


def test_a_model_that_cannot_be_loaded_leaves_the_folder_free(arena: Arena, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        arena("--methods", "mask", "--model", str(tmp_path))
    arena("--methods", "mask")


def test_what_was_fitted_on_other_tuning_prompts_is_not_gone_on_with(
    arena: Arena, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "tuning.txt", tmp_path / "others.txt"
    first.write_text("a blue dog\n")
    second.write_text("a black dog\n")
    arena("--methods", "mask")
    out = arena("--methods", "mask", "--calibrate", str(first))  # nothing was fitted before
    rows = (out / "results.csv").read_bytes()
    assert "another run: tuning sha256:" in refusal(arena, capsys, "--calibrate", str(second))
    assert "another run: tuning sha256:" in refusal(arena, capsys)
    assert (out / "results.csv").read_bytes() == rows
