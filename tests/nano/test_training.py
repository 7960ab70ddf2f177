"""The training runs from nothing to a folder, goes on where it was stopped, and the folder is a pipeline."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import FluxPipeline

from nano.bank import build_bank
from nano.base import new_run, train_step
from nano.settings import NanoSettings, load_settings
from nano.train import train
from nano.vae import build_vae

# bfloat16 autocast over float32 norms, which torch runs unfused and says so.
pytestmark = pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight:UserWarning")


@pytest.fixture
def small() -> NanoSettings:
    settings = load_settings()
    flux = replace(
        settings.flux,
        bank_scenes=8,
        other_sizes=((64, 96),),
        other_size_scenes=2,
        other_size_share=0.5,
        batch=2,
    )
    vae = replace(settings.vae, bank_scenes=4, channels=8, batch=2)
    return NanoSettings(vae, replace(flux, heads=1), replace(settings.distil, batch=2), settings.decoder)


def test_training_writes_a_folder_that_flux_pipeline_runs(small: NanoSettings, tmp_path: Path) -> None:
    train(small, 3.0, tmp_path, tmp_path / "out", compiler=lambda module: module)
    pipeline = FluxPipeline.from_pretrained(tmp_path / "out", dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline("a red star", height=64, width=64, num_inference_steps=1, max_sequence_length=16).images[0]
    assert image.size == (64, 64)
    stages = {line.split(",")[0] for line in (tmp_path / "curve.csv").read_text().splitlines()}
    assert stages == {"vae", "base", "distil", "decoder"}


def test_a_saved_run_goes_on_exactly_as_one_that_was_not_stopped(small: NanoSettings, tmp_path: Path) -> None:
    vae = build_vae(small.vae).eval()
    vae.register_to_config(shift_factor=0.0, scaling_factor=1.0)
    bank = build_bank(vae, range(4), 64, 64, 0.5)
    whole = new_run(small.flux)
    stopped = new_run(small.flux)
    losses = [train_step(whole, whole.model.trainee, bank, small.flux) for _ in range(3)]
    train_step(stopped, stopped.model.trainee, bank, small.flux)
    stopped.save(tmp_path / "run.pt")
    resumed = new_run(small.flux)
    resumed.load(tmp_path / "run.pt")
    again = [train_step(resumed, resumed.model.trainee, bank, small.flux) for _ in range(2)]
    assert again == losses[1:]
    assert resumed.step == 3
