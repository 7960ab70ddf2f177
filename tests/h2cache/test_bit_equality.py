"""Thresholds of zero, and no cache at all, give the model's own velocity to the last bit."""

from dataclasses import replace

import pytest
import torch

from h2cache import denoise_step, flux_model
from tests.h2cache.samples import H2, Request, Shape, advance, inputs_of, plain_velocity, start, tiny_transformer


@pytest.mark.parametrize("rule", [H2(0.0, 0.0), None])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("guidance", "count"), [(3.5, 1), (3.5, 3), (None, 3)])
def test_every_step_is_the_model_s_own(
    rule: H2 | None, dtype: torch.dtype, guidance: float | None, count: int
) -> None:
    transformer = tiny_transformer(guidance=guidance is not None).to(dtype)
    model, shape = flux_model(transformer), Shape(4, 5, 3)
    batch = [start(Request(rule, 6, seed, guidance), shape, dtype) for seed in range(count)]
    for _ in range(6):
        given = inputs_of(batch, shape)
        with torch.no_grad():
            want = plain_velocity(transformer, given)
        got = denoise_step(model, given, [sample.cache for sample in batch])
        assert torch.equal(got.velocity, want)
        advance(model, batch, shape)


def test_a_row_without_a_cache_is_the_model_s_own_when_its_neighbour_hits() -> None:
    model, shape = flux_model(tiny_transformer()), Shape(4, 5, 3)
    batch = [start(Request(rule, 4, 1), shape) for rule in (None, H2(50.0, 50.0))]
    advance(model, batch, shape)
    given, caches = inputs_of(batch, shape), [sample.cache for sample in batch]
    mixed = denoise_step(model, given, caches)
    assert [record.blocks_run for record in mixed.records] == [5, 2]
    plain = denoise_step(model, given, [replace(caches[0]), caches[0]])
    torch.testing.assert_close(mixed.velocity[0], plain.velocity[0], rtol=1e-5, atol=1e-6)
