"""Which models the engine's benchmarks take: those of prompts alone; others are refused in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from server.__main__ import main
from server.bench.batches import measure_width
from server.bench.checkpoints import measure_checkpoints
from server.bench.decoding import measure_decoding
from server.bench.presets import measure_presets
from server.profile import ModelProfile, load_profile
from tests.tiny_flux import TEXT_LENGTH, save_tiny_fill, save_tiny_flux, save_tiny_kontext
from tests.tiny_flux2 import save_tiny_dev, save_tiny_dev_by_embeddings, save_tiny_klein

Saver = Callable[[Path], Path]
SMALL = {"default_width": 64, "default_height": 64, "default_steps": 3, "text_length": TEXT_LENGTH, "min_side": 64}


def save_tiny_embeddings(folder: Path) -> Path:
    return save_tiny_dev_by_embeddings(folder, {"a red cat": 5})


def small(folder: Path) -> ModelProfile:
    return load_profile(str(folder)).model_copy(update=SMALL)


@pytest.mark.parametrize("save", [save_tiny_flux, save_tiny_kontext, save_tiny_klein, save_tiny_dev])
def test_presets_checkpoints_batches_and_decoding_are_measured_on_every_family_that_takes_prompts(
    save: Saver, tmp_path: Path
) -> None:
    profile = small(save(tmp_path / "model"))
    figures = measure_presets(profile, "cpu", images=2, passes=1)
    assert [each.choice.preset for each in figures] == ["paper", *profile.presets]
    assert all(0 < each.flops_ratio <= 1 for each in figures)
    assert measure_checkpoints(profile, "cpu", passes=1, batch=2).per_pass > 0
    assert measure_width(profile, "cpu", "default", requests=3) > 0
    assert measure_decoding(profile, "cpu", pairs=1).largest_difference <= 1


@pytest.mark.parametrize(
    ("save", "said"),
    [
        (save_tiny_fill, "needs an image to fill in"),
        (save_tiny_embeddings, "knows only the prompts of its prompt_embeds.safetensors"),
    ],
)
@pytest.mark.parametrize("only", ["presets", "checkpoints", "batches", "decoding"])
def test_a_model_that_needs_more_than_a_prompt_is_refused_in_one_line(
    save: Saver, said: str, only: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert said in refusal_of(only, save(tmp_path / "model"), capfd)


@pytest.mark.parametrize(
    ("save", "named"),
    [
        (save_tiny_kontext, "FluxKontextPipeline"),
        (save_tiny_klein, "Flux2KleinPipeline"),
        (save_tiny_dev, "Flux2Pipeline"),
    ],
)
def test_throughput_is_refused_in_one_line_where_its_baseline_is_of_another_family(
    save: Saver, named: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = refusal_of("throughput", save(tmp_path / "model"), capfd)
    assert f"is a {named}, allowed in the throughput benchmark is FluxPipeline" in said


def refusal_of(only: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> str:
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["bench", "--engine", "--only", only, "--model", str(folder), "--json"])
    assert ended.value.code == 2
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 1
    return told[0]
