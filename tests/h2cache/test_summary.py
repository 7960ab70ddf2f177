"""Pooled summaries: the paper's windows, clamped, and float32 throughout."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from h2cache import Conditioning, Streams
from h2cache.flux1 import Flux1, flux1_model
from h2cache.summaries.windows import summarize, summary_shape, window
from tests.h2cache.models import tiny_transformer
from tests.h2cache.samples import H2, Request, Shape, run_alone


@given(st.integers(1, 5000), st.integers(1, 64), st.sampled_from([2048, 384]))
def test_every_size_has_a_window_of_at_least_one(tokens: int, width: int, pool: int) -> None:
    along, across = window(tokens, width, pool)
    assert 1 <= across <= along <= tokens
    assert across <= width


@pytest.mark.parametrize(
    ("tokens", "pool", "side"),
    [(4096, 2048, 2), (4608, 384, 12), (2304, 2048, 1), (64, 384, 1), (1024, 2048, 1), (2305, 384, 6)],
)
def test_the_windows_of_the_paper(tokens: int, pool: int, side: int) -> None:
    assert window(tokens, 3072, pool) == (side, side)
    assert summarize(torch.ones(1, tokens, 24), pool).shape == (1, *summary_shape(tokens, 24, pool))
    assert summary_shape(tokens, 24, pool) == (tokens // side, 24 // side)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("tokens", [8, 800])
def test_summaries_are_float32_whatever_the_dtype(dtype: torch.dtype, tokens: int) -> None:
    assert summarize(torch.ones(1, tokens, 4, dtype=dtype), 384).dtype is torch.float32


def watched(model: Flux1, seen: list[torch.Tensor]) -> Flux1:
    """The model, its first block's image residual put down in float64 as the formulas have it."""

    def run(before: Streams, conditioning: Conditioning) -> Streams:
        after = model.blocks[0](before, conditioning)
        seen.append((after.img.double() - before.img.double())[0])
        return after

    return replace(model, blocks=[run, *model.blocks[1:]])


def test_the_distances_of_a_bfloat16_model_are_exact_to_float32() -> None:
    seen: list[torch.Tensor] = []
    model = watched(flux1_model(tiny_transformer().bfloat16()), seen)
    running = run_alone(model, Request(H2(0.0, 0.0), 6, seed=1), Shape(4, 5, 3), torch.bfloat16)
    for old, new, record in zip(seen[:-1], seen[1:], running.records[1:], strict=True):
        assert record.d1 == pytest.approx(float((old - new).abs().mean() / old.abs().mean()), rel=1e-6)
