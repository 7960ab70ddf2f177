"""LPIPS is a further column where its weights are on the machine, and nothing is fetched where they are not."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from h2cache.arena.perceptual import WEIGHTS, open_lpips
from h2cache.arena.ranking import points_of
from h2cache.arena.rows import COLUMNS, Row, read_rows, write_rows
from tests.arena import fake_lpips
from tests.arena.conftest import Arena

ROW = Row("off", "", 4, 0, 0, 1.0, 1.0, 60.0, 1.0, 0.0, 0.0, 1.0, None)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Torch's hub folder, without weights; whoever fetches some fails."""

    def fetched(*_: object, **__: object) -> None:
        raise AssertionError("nothing is fetched")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fetched)
    monkeypatch.setitem(sys.modules, "lpips", fake_lpips)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub"


def save_weights(hub: Path) -> None:
    tensors = {name: torch.tensor(values) for name, values in fake_lpips.WEIGHTS.items()}
    torch.save(tensors, hub / "checkpoints" / WEIGHTS)


def test_it_is_measured_with_the_weights_that_are_there(hub: Path) -> None:
    save_weights(hub)
    drawn = torch.random.get_rng_state()
    distance = open_lpips(64, 64)
    assert distance is not None
    assert torch.equal(torch.random.get_rng_state(), drawn)
    black, red = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    assert distance(red, black) == pytest.approx(1.0)  # from -1 to 1, by a half
    assert distance(black, black) == 0


def test_without_weights_package_or_pixels_enough_there_is_none(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_lpips(64, 64) is None
    save_weights(hub)
    assert open_lpips(16, 64) is None
    monkeypatch.setitem(sys.modules, "lpips", None)
    assert open_lpips(64, 64) is None


def test_the_arena_has_a_column_of_it_behind_the_others(hub: Path, arena: Arena) -> None:
    save_weights(hub)
    out = arena("--methods", "mask")
    head = (out / "results.csv").read_text().splitlines()[0]
    assert head == ",".join([*COLUMNS, "lpips"])
    found = {row.method: row.lpips for row in read_rows(out / "results.csv")}
    assert found["off"] == 0
    assert found["mask"] is not None
    assert found["mask"] > 0
    assert "| adherence | LPIPS |" in (out / "report.md").read_text()
    assert "<th>adherence</th><th>LPIPS</th>" in (out / "report.html").read_text()


def test_a_file_keeps_the_columns_that_it_was_begun_with(tmp_path: Path) -> None:
    with_it, without = tmp_path / "with.csv", tmp_path / "without.csv"
    measured = replace(ROW, lpips=0.25)
    for path, rows in ((with_it, [measured, ROW]), (without, [ROW, measured])):
        for row in rows:
            write_rows(path, [row])
    assert read_rows(with_it) == [measured, ROW]
    assert read_rows(without) == [ROW, ROW]
    assert without.read_text().startswith(",".join(COLUMNS) + "\n")
    (point,) = points_of(read_rows(with_it))
    assert point.lpips == 0.25
    (point,) = points_of(read_rows(without))
    assert point.lpips is None
