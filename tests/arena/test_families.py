"""Which models the arena takes: FLUX.1 and Kontext; the others are refused in one line, before they are loaded."""

from collections.abc import Callable
from pathlib import Path

import pytest

from h2cache.arena.rows import read_rows
from tests.arena.conftest import Arena
from tests.tiny_flux import save_tiny_fill, save_tiny_flux, save_tiny_kontext
from tests.tiny_flux2 import save_tiny_dev, save_tiny_klein

Saver = Callable[[Path], Path]


def save_tiny_schnell(folder: Path) -> Path:
    return save_tiny_flux(folder, guidance_embeds=False)


def save_flux3_s_index(folder: Path) -> Path:
    """diffusers has no pipeline of FLUX.3 to save; this is the name that one would have."""
    folder.mkdir()
    (folder / "model_index.json").write_text('{"_class_name": "Flux3Pipeline"}')
    return folder


def save_a_list(folder: Path) -> Path:
    folder.mkdir()
    (folder / "model_index.json").write_text("[]")
    return folder


@pytest.mark.parametrize("save", [save_tiny_schnell, save_tiny_kontext])
def test_every_variant_that_makes_images_of_prompts_alone_is_run(
    save: Saver, arena: Arena, tmp_path: Path
) -> None:
    folder = save(tmp_path / "model")
    rows = read_rows(arena("--model", str(folder), "--steps", "4", "--methods", "procache") / "results.csv")
    assert {row.method for row in rows} == {"off", "procache"}
    assert min(row.flops_ratio for row in rows) < 1


@pytest.mark.parametrize(
    ("save", "named"),
    [
        (save_tiny_fill, "FluxFillPipeline"),
        (save_tiny_klein, "Flux2KleinPipeline"),
        (save_tiny_dev, "Flux2Pipeline"),
        (save_flux3_s_index, "Flux3Pipeline"),
        (save_a_list, "None"),
    ],
)
def test_another_family_is_refused_in_one_line(
    save: Saver, named: str, arena: Arena, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = save(tmp_path / "model")
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        arena("--model", str(folder))
    assert ended.value.code == 2
    told = capfd.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert told[0].endswith(f"is a {named}, allowed in the arena are FluxPipeline, FluxKontextPipeline")
