"""The arena as it is called: its files, its resuming, its refusals."""

import csv
import shutil
from pathlib import Path

import pytest

from h2cache.arena.rows import COLUMNS, read_rows
from h2cache.arena.sweep import SWEEPS
from tests.arena.conftest import Arena


def lines(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_there_is_a_row_an_image_with_the_uncached_ones_first(arena: Arena) -> None:
    out = arena("--seeds", "2", "--steps", "2,3", "--methods", "paper,mask")
    head, *rows = lines(out / "results.csv")
    wanted = "method,setting,steps,prompt_index,seed,flops_ratio,blocks_run,psnr,ssim,flip,latent_rel_l1"
    assert ",".join(head) == f"{wanted},seconds_ratio,adherence" == ",".join(COLUMNS)
    assert len(rows) == 2 * 2 * 2 * (1 + len(SWEEPS["paper"]) + len(SWEEPS["mask"]))
    assert rows[0][:9] == ["off", "", "2", "0", "0", "1", "1", "inf", "1"]
    assert {row[12] for row in rows} == {""}
    assert "tau1=0.15 tau2=0.22" in {row[1] for row in rows}
    report = (out / "report.html").read_text(encoding="utf-8")
    assert report.count("data:image/png;base64,") == 2 * (2 + 2)
    assert "<script" not in report and 'src="http' not in report
    assert [report.count(f'<table class="{kind}">') for kind in ("standings", "settings")] == [2 * 3, 2]
    assert f"| mask | {SWEEPS['mask'][0].label} |" in (out / "report.md").read_text(encoding="utf-8")


def test_a_stopped_run_goes_on_and_a_finished_one_makes_nothing_new(arena: Arena) -> None:
    whole = lines(arena("--methods", "mask", out="whole") / "results.csv")
    begun = arena("--methods", "mask", out="begun") / "results.csv"
    begun.write_text("\n".join(begun.read_text().splitlines()[: 1 + 2 * 2]) + "\n")
    arena("--methods", "mask", out="begun")
    seconds = COLUMNS.index("seconds_ratio")
    again = lines(begun)
    assert [row[:seconds] for row in again] == [row[:seconds] for row in whole]
    arena("--methods", "mask", out="begun")
    assert lines(begun) == again


def test_lost_pictures_of_rows_that_are_there_are_made_again(arena: Arena) -> None:
    out = arena("--methods", "procache,mask")
    made = {path.relative_to(out): path.read_bytes() for path in out.rglob("*/0.png")}
    rows, report = (out / "results.csv").read_bytes(), (out / "report.html").read_text(encoding="utf-8")
    shutil.rmtree(out / "images")
    arena("--methods", "procache")
    again = {path.relative_to(out) for path in out.rglob("*/0.png")}
    assert {path.parts[2] for path in again} == {"off", "procache"}
    arena("--methods", "procache,mask")
    assert len(list(out.rglob("*/0.png"))) == 3
    assert all((out / path).read_bytes() == made[path] for path in again)
    assert (out / "report.html").read_text(encoding="utf-8") == report
    assert (out / "results.csv").read_bytes() == rows


def test_adherence_is_the_named_checker_s(arena: Arena) -> None:
    out = arena("--methods", "mask", "--checker", "tests.arena.checkers:likes_cats")
    told = {(row.prompt_index, row.adherence) for row in read_rows(out / "results.csv")}
    assert told == {(0, 1.0), (1, None)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--methods", "paper,tea"], "method is 'tea', allowed are default, paper, fbcache"),
        (["--steps", "0"], "steps is '0'"),
        (["--steps", "28;50"], "steps is '28;50'"),
        (["--size", "65x64"], "size is '65x64'"),
        (["--seeds", "0"], "seeds is 0"),
        (["--pairs", "0"], "pairs is 0"),
        (["--prompts", "no-such-file"], "cannot be read"),
        (["--model", "no-such-model"], "model is 'no-such-model'"),
        (["--checker", "nowhere:nothing"], "checker is 'nowhere:nothing'"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_line(
    arena: Arena, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        arena(*words)
    assert ended.value.code == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told.startswith("arena: ")
    assert said in told


def test_a_prompt_that_was_tuned_on_is_not_reported_on(
    arena: Arena, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tuning.txt").write_text("another\na red cat\n")
    with pytest.raises(SystemExit):
        arena("--calibrate", str(tmp_path / "tuning.txt"))
    assert "1 prompts are in both files" in capsys.readouterr().err


def test_a_file_that_is_not_the_arena_s_is_left_alone(arena: Arena, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.csv").write_text("name,age\nx,1\n")
    with pytest.raises(SystemExit):
        arena()
    assert (tmp_path / "out" / "results.csv").read_text() == "name,age\nx,1\n"
