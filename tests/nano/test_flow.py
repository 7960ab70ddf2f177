"""The training task is FLUX.1's: its packing, its schedule, its model."""

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline
from diffusers.pipelines.flux.pipeline_flux import calculate_shift

from nano.bank import swap_articles, token_labels
from nano.flow import add_noise, sigmas
from nano.flux import Float32Attention, Trainee, build_flux, image_ids, pack, unpack
from nano.grammar import Scene, Thing
from nano.palette import COLORS
from nano.settings import load_settings
from nano.shapes import SHAPES


def test_packing_is_that_of_flux_and_unpacking_undoes_it() -> None:
    latents = torch.randn(2, 16, 12, 8)
    assert torch.equal(pack(latents), FluxPipeline._pack_latents(latents, 2, 16, 12, 8))
    assert torch.equal(unpack(pack(latents), 12, 8), latents)


@pytest.mark.parametrize(("steps", "tokens"), [(28, 64), (4, 16), (50, 144)])
def test_the_schedule_is_that_of_the_pipeline(steps: int, tokens: int) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    wanted = torch.linspace(1, 1 / steps, steps).tolist()
    scheduler.set_timesteps(sigmas=wanted, mu=calculate_shift(tokens))
    torch.testing.assert_close(sigmas(steps, tokens), scheduler.sigmas, atol=1e-6, rtol=0)


def test_velocity_leads_from_the_noised_latents_back_to_the_latents() -> None:
    latents = torch.randn(5, 64, 64)
    task = add_noise(latents, torch.Generator().manual_seed(0))
    torch.testing.assert_close(task.x - task.sigma[:, None, None] * task.velocity, latents, atol=1e-4, rtol=0)


def test_the_trainee_computes_what_the_diffusers_model_computes() -> None:
    settings = load_settings().flux
    torch.manual_seed(0)
    flux = build_flux(settings).eval()
    x, tokens, pooled = torch.randn(2, 24, 64), torch.randn(2, 16, 128), torch.randn(2, 64)
    sigma, guidance, ids = torch.tensor([0.3, 0.9]), torch.tensor([1.0, 3.5]), image_ids(6, 4)
    with torch.no_grad():
        want = flux(
            hidden_states=x,
            encoder_hidden_states=tokens,
            pooled_projections=pooled,
            timestep=sigma,
            guidance=guidance,
            img_ids=ids,
            txt_ids=torch.zeros(16, 3),
            return_dict=False,
        )[0]
        flux.set_attn_processor(Float32Attention())
        got, _ = Trainee(flux)(x, tokens, pooled, sigma, guidance, ids)
    torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)


def test_the_model_has_at_least_five_double_and_ten_single_blocks() -> None:
    settings = load_settings().flux
    assert settings.double_blocks >= 5
    assert settings.single_blocks >= 10


def test_token_labels_name_what_covers_a_token() -> None:
    thing = Thing("red", "heart", 40, 72, 26, "large")
    labels = token_labels(Scene(128, 128, "blue", (thing,), "left")).reshape(8, 8, 2)
    heart, red, blue = 1 + list(SHAPES).index("heart"), COLORS.index("red"), COLORS.index("blue")
    assert labels[4, 2].tolist() == [heart, red]
    assert labels[0, 7].tolist() == [0, blue]
    assert 9 <= (labels[..., 0] > 0).sum() <= 25


def test_swapping_articles_twice_changes_nothing() -> None:
    prompt = "a red star above an orange ring on a blue background"
    assert swap_articles(prompt) == "an red star above a orange ring on an blue background"
    assert swap_articles(swap_articles(prompt)) == prompt
