"""The decoder's own stage: crops count by their contrast, and the latents stay what they are."""

from dataclasses import replace
from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st

from nano.decoder import LEAST_CONTRAST, contrast, decoder_loss, train_decoder
from nano.settings import load_settings
from nano.vae import build_vae


@given(st.floats(0.35, 1.0), st.floats(0.35, 1.0))
def test_the_same_relative_error_costs_the_same_at_any_contrast(low: float, high: float) -> None:
    steps = torch.linspace(-1, 1, 64).view(1, 1, 8, 8).expand(2, 3, 8, 8)
    images = steps * torch.tensor([low, high]).view(2, 1, 1, 1)
    wrong = images * torch.tensor([1.1, 1.0]).view(2, 1, 1, 1)
    also_wrong = images * torch.tensor([1.0, 1.1]).view(2, 1, 1, 1)
    torch.testing.assert_close(decoder_loss(wrong, images), decoder_loss(also_wrong, images))


def test_a_plain_image_does_not_divide_by_zero() -> None:
    plain = torch.full((1, 3, 8, 8), 0.5)
    assert contrast(plain).tolist() == [torch.tensor(LEAST_CONTRAST).item()]
    assert torch.isfinite(decoder_loss(plain + 0.1, plain))


def test_the_stage_changes_the_decoder_and_leaves_the_latents_alone(tmp_path: Path) -> None:
    settings = load_settings()
    small = replace(settings.vae, channels=8, bank_scenes=2, batch=2)
    vae = build_vae(small)
    before = {name: value.clone() for name, value in vae.state_dict().items()}
    after = train_decoder(vae, small, settings.decoder, 0.5, tmp_path).state_dict()
    moved = {name.split(".")[0] for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved == {"decoder"}
    assert all(torch.equal(value, before[name]) for name, value in vae.state_dict().items())
