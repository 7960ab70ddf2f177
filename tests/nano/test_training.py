"""The training runs from nothing to a folder, goes on where it was stopped, and the folder is a pipeline."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderTiny, FluxPipeline
from torch import nn

from nano.bank import Bank, build_bank
from nano.base import Model, new_run, train_step
from nano.curve import Curve
from nano.distil import rising
from nano.export import export, fix_guidance
from nano.run import AveragedRun, Run, train_for
from nano.settings import FluxSettings, NanoSettings, load_settings
from nano.text import POOLED_WIDTH
from nano.train import train
from nano.vae import build_vae
from nano.warm_start import take_weights

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
    words = replace(settings.words, batch=4)
    return NanoSettings(
        vae,
        words,
        replace(flux, heads=1, double_blocks=1, single_blocks=2),
        replace(settings.distil, batch=2),
        settings.decoder,
    )


def test_training_writes_a_folder_that_flux_pipeline_runs(small: NanoSettings, tmp_path: Path) -> None:
    train(small, 1.0, tmp_path, tmp_path / "out", compiler=lambda module: module)
    pipeline = FluxPipeline.from_pretrained(tmp_path / "out", dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline("a red star", height=64, width=64, num_inference_steps=1, max_sequence_length=16).images[0]
    assert image.size == (64, 64)
    stages = {line.split(",")[0] for line in (tmp_path / "curve.csv").read_text().splitlines()}
    assert stages == {"vae", "words", "base", "distil", "decoder"}


def steps(run: AveragedRun[Model], bank: Bank, settings: FluxSettings, count: int) -> list[float]:
    losses = []
    for _ in range(count):
        losses.append(train_step(run, run.model.trainee, bank, settings, 0.05))
        run.step += 1
    return losses


def an_untrained_vae(small: NanoSettings) -> AutoencoderTiny:
    vae = build_vae(small.vae).eval()
    vae.register_to_config(shift_factor=0.0, scaling_factor=1.0)
    return vae


def test_a_saved_run_goes_on_exactly_as_one_that_was_not_stopped(small: NanoSettings, tmp_path: Path) -> None:
    bank = build_bank(an_untrained_vae(small), range(4), 64, 64, 0.5)
    whole, stopped, resumed = (new_run(small.flux) for _ in range(3))
    losses = steps(whole, bank, small.flux, 3)
    steps(stopped, bank, small.flux, 1)
    stopped.save(tmp_path / "run.pt")
    resumed.load(tmp_path / "run.pt")
    assert steps(resumed, bank, small.flux, 2) == losses[1:]
    assert resumed.step == 3


def test_every_stage_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    curve = Curve(tmp_path / "curve.csv", "toy", every=1)

    def run_for(seconds: float) -> Run[nn.Linear]:
        model = nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        run = Run(model=model, optimizers=(optimizer,), generator=torch.Generator())

        def step(done: float) -> float:
            assert 0 <= done < 1
            with torch.no_grad():
                model.weight.fill_(run.step)
            run.elapsed += 1.0
            return 0.0

        train_for(run, seconds, tmp_path / "toy.pt", curve, step)
        return run

    assert run_for(2.5).step == 3
    again = run_for(4.5)
    assert again.step == 5
    assert again.model.weight[0, 0] == 4
    assert run_for(4.5).model.weight[0, 0] == 4
    assert [line.split(",")[1] for line in curve.path.read_text().splitlines()] == ["1", "2", "3", "4", "5"]


def test_the_teacher_is_not_guided_in_pure_noise_and_fully_out_of_it() -> None:
    sigma = torch.tensor([1.0, 0.85, 0.7, 0.2])
    assert rising(torch.full((4,), 3.0), sigma, 0.3).tolist() == pytest.approx([1.0, 2.0, 3.0, 3.0])


def test_before_distillation_every_guidance_scale_counts_as_one(small: NanoSettings) -> None:
    model = new_run(small.flux).model
    free, fixed = model.trainee.flux.time_text_embed, fix_guidance(model).trainee.flux.time_text_embed
    time, pooled = torch.tensor([500.0]), torch.ones(1, POOLED_WIDTH)
    one, five = torch.tensor([1000.0]), torch.tensor([5000.0])
    assert torch.equal(fixed(time, one, pooled), fixed(time, five, pooled))
    torch.testing.assert_close(fixed(time, one, pooled), free(time, one, pooled))
    assert not torch.allclose(free(time, one, pooled), free(time, five, pooled))


def test_a_warm_start_has_the_folder_s_weights(small: NanoSettings, tmp_path: Path) -> None:
    trained, fresh = new_run(small.flux).model, new_run(small.flux)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(0.5)
    export(copy.deepcopy(trained), an_untrained_vae(small), tmp_path / "flux")
    untaught = copy.deepcopy(fresh.model.text.t5.state_dict())
    take_weights(fresh, tmp_path / "flux", fresh_text=True)
    assert all(torch.equal(fresh.model.text.t5.state_dict()[name], weight) for name, weight in untaught.items())
    take_weights(fresh, tmp_path / "flux")
    for model in (fresh.model, fresh.average):
        for mine, theirs in ((model.trainee.flux, trained.trainee.flux), (model.text, trained.text)):
            for name, weight in theirs.state_dict().items():
                assert torch.equal(mine.state_dict()[name], weight.bfloat16().float()), name


def test_a_warm_start_leaves_the_text_encoder_as_it_was(small: NanoSettings, tmp_path: Path) -> None:
    start = new_run(small.flux).model
    vae = an_untrained_vae(small)
    export(copy.deepcopy(start), vae, tmp_path / "flux")
    vae.save_pretrained(tmp_path / "run" / "vae")
    train(small, 1.0, tmp_path / "run", tmp_path / "out", lambda module: module, tmp_path / "flux")
    before, after = (FluxPipeline.from_pretrained(tmp_path / name) for name in ("flux", "out"))
    for part in ("text_encoder", "text_encoder_2"):
        now = getattr(after, part).state_dict()
        assert all(torch.equal(now[name], weight) for name, weight in getattr(before, part).state_dict().items())
    moved = after.transformer.state_dict()
    assert any(not torch.equal(moved[name], weight) for name, weight in before.transformer.state_dict().items())
