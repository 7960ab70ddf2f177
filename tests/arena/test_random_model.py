"""The random model of FLUX.1's depth, here of a few blocks: its contest over latents."""

import math
from pathlib import Path

import pytest
import torch

from h2cache.arena.random_model.__main__ import main
from h2cache.arena.random_model.contest import SETTINGS, latent_psnr
from h2cache.arena.random_model.model import Shape, random_model
from h2cache.arena.rows import COLUMNS, read_rows

TINY = ("--blocks", "2+3", "--heads", "1", "--grid", "2x3", "--text-tokens", "3", "--steps", "4", "--seeds", "2")


def test_the_contest_is_six_methods_of_three_settings() -> None:
    methods = [setting.name for setting in SETTINGS]
    assert len(set(methods)) == 6
    assert {methods.count(name) for name in methods} == {3}
    assert {"default", "paper"} < set(methods)


def test_a_stopped_run_goes_on_and_ends_as_one_that_was_not(tmp_path: Path) -> None:
    main([*TINY, "--out", str(tmp_path / "whole")])
    whole = (tmp_path / "whole" / "results.csv").read_text()
    begun = tmp_path / "begun"
    begun.mkdir()
    (begun / "results.csv").write_text("\n".join(whole.splitlines()[: 1 + 2 * 3]) + "\n")
    main([*TINY, "--out", str(begun)])
    assert (begun / "results.csv").read_text() == whole
    assert whole.startswith(",".join(COLUMNS) + "\n")
    rows = read_rows(begun / "results.csv")
    assert len(rows) == 2 * (1 + len(SETTINGS))
    assert {row.psnr for row in rows if row.method == "off"} == {math.inf}
    table = (begun / "table.md").read_text().splitlines()
    assert len(table) == 2 + 1 + len(SETTINGS)
    assert "| off |  | 1.000 | 60.00 | 0.00000 |" in table


@pytest.mark.parametrize("words", [("--blocks", "1+1"), ("--steps", "3"), ("--seeds", "1")])
def test_another_model_steps_or_seeds_are_another_run(
    words: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--blocks", "1+2", "--heads", "1", "--grid", "2x2", "--text-tokens", "2", "--steps", "2"]
    main([*flags, "--seeds", "2", "--out", str(tmp_path)])
    rows = (tmp_path / "results.csv").read_bytes()
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([*flags, "--seeds", "2", *words, "--out", str(tmp_path)])
    assert ended.value.code == 2
    assert f"random_model: {str(tmp_path)!r} has another run: " in capsys.readouterr().err
    assert (tmp_path / "results.csv").read_bytes() == rows


def test_the_model_s_shape_is_as_said_and_its_weights_are_always_the_same() -> None:
    shape = Shape(num_double=2, num_single=3, heads=1, rows=2, columns=3, text_tokens=4)
    one, again = random_model(shape), random_model(shape)
    assert (len(one.model.blocks), one.model.num_double, one.model.width) == (5, 2, 64)
    assert torch.equal(one.embed("a")[0], again.embed("a")[0])
    assert not torch.equal(one.embed("a")[0], one.embed("b")[0])
    latents, ids = one.noise(3)
    assert (latents.shape, ids[-1].tolist()) == ((6, 64), [0.0, 1.0, 2.0])
    assert torch.equal(latents, again.noise(3)[0])
    assert len(one.sigmas(7)) == 8


def test_psnr_of_latents_is_the_formula_s_over_their_range() -> None:
    reference = torch.tensor([-1.0, 0.0, 3.0])
    assert latent_psnr(reference + 0.4, reference) == pytest.approx(20)
    assert latent_psnr(reference, reference) == math.inf


@pytest.mark.parametrize(
    "words",
    [
        ("--blocks", "19x38"),
        ("--blocks", "0+3"),
        ("--grid", "16"),
        ("--seeds", "0"),
        ("--steps", "0"),
        ("--heads", "0"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_line(
    words: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*TINY, *words, "--out", str(tmp_path)])
    assert ended.value.code == 2
    (told,) = capsys.readouterr().err.strip().splitlines()
    assert told.startswith(f"random_model: {words[0][2:]} is") or "allowed are numbers from 1 up" in told
