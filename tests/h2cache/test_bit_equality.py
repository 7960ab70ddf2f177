"""Thresholds of zero, and no cache at all, give the model's own velocity, whatever its family."""

from dataclasses import replace

import pytest
import torch

from h2cache import H2CacheError, denoise_step, flux_model
from tests.h2cache.families import FAMILIES
from tests.h2cache.models import Family, tiny_model
from tests.h2cache.samples import H2, SHAPE, Request, advance, inputs_of, start

BIT_EQUAL = ["FLUX.1 dev", "FLUX.1 schnell", "FLUX.1 Fill", "FLUX.2 dev", "FLUX.2 klein"]
"""The head of the others sees fewer tokens here than there, and kernels are chosen by size."""


def largest_difference(family: Family, rule: H2 | None, dtype: torch.dtype, count: int) -> float:
    """Over all steps of a batch, between diffusers' velocity and ours."""
    transformer = family.build().to(dtype)
    model, differences = flux_model(transformer), []
    batch = [start(Request(rule, 6, seed), SHAPE, dtype) for seed in range(count)]
    for _ in range(6):
        given = inputs_of(batch, SHAPE, family)
        with torch.no_grad():
            want = family.plain(transformer, given)
        got = denoise_step(model, given, [sample.cache for sample in batch])
        differences.append(float((got.velocity - want).abs().max()))
        advance(model, batch, SHAPE, family)
    return max(differences)


@pytest.mark.parametrize("rule", [H2(0.0, 0.0), None])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", BIT_EQUAL)
def test_every_step_is_the_model_s_own_to_the_last_bit(
    name: str, rule: H2 | None, dtype: torch.dtype, count: int
) -> None:
    assert largest_difference(FAMILIES[name], rule, dtype, count) == 0


@pytest.mark.parametrize("rule", [H2(0.0, 0.0), None])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_step_is_the_model_s_own_in_every_family(name: str, rule: H2 | None) -> None:
    assert largest_difference(FAMILIES[name], rule, torch.float32, 3) <= 1e-5


def test_a_row_without_a_cache_is_the_model_s_own_when_its_neighbour_hits() -> None:
    model = tiny_model()
    batch = [start(Request(rule, 4, 1), SHAPE) for rule in (None, H2(50.0, 50.0))]
    advance(model, batch, SHAPE)
    given, caches = inputs_of(batch, SHAPE), [sample.cache for sample in batch]
    mixed = denoise_step(model, given, caches)
    assert [record.blocks_run for record in mixed.records] == [5, 2]
    plain = denoise_step(model, given, [replace(caches[0]), caches[0]])
    torch.testing.assert_close(mixed.velocity[0], plain.velocity[0], rtol=1e-5, atol=1e-6)


def test_a_model_of_no_known_family_is_refused_by_name() -> None:
    with pytest.raises(H2CacheError, match="transformer is a Linear, allowed are FluxTransformer2DModel, Flux2"):
        flux_model(torch.nn.Linear(1, 1))


@pytest.mark.parametrize(("name", "target"), [("FLUX.3", torch.ones(1)), ("FLUX.3 distilled", None)])
def test_where_a_step_goes_to_is_told_to_a_distilled_model_and_to_no_other(
    name: str, target: torch.Tensor | None
) -> None:
    family, sample = FAMILIES[name], start(Request(None, 4, 1), SHAPE)
    inputs = replace(inputs_of([sample], SHAPE, family), target_timestep=target)
    with pytest.raises(H2CacheError, match="target_timestep is"):
        denoise_step(flux_model(family.build()), inputs, [sample.cache])


def test_a_flux1_model_asks_for_the_pooled_prompt() -> None:
    sample = start(Request(None, 4, 1), SHAPE)
    with pytest.raises(H2CacheError, match="pooled is None"):
        denoise_step(tiny_model(), replace(inputs_of([sample], SHAPE), pooled=None), [sample.cache])
