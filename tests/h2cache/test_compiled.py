"""Compiled blocks: one warm-up of a shape, and no decision of a sample compiles again."""

from collections.abc import Iterator

import pytest
import torch
from torch._dynamo.utils import counters

from h2cache import CompiledBlocks, FluxModel, Method, flux_model, method
from tests.h2cache.models import tiny_transformer
from tests.h2cache.samples import H2, Request, Running, Shape, advance, run_together, start

SHAPE = Shape(2, 2, 4)
"""As many image tokens as text: both streams have kernels in common, each of which takes a compiler a second."""


@pytest.fixture(autouse=True)
def forget_graphs() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def warmed_up(model: FluxModel) -> FluxModel:
    """Two full steps alone, and two of a batch of four."""
    for size in (1, 4):
        run_together(model, [Request(None, 2, seed) for seed in range(size)], SHAPE)
    return model


def joining_and_leaving(model: FluxModel, settings: list[H2 | Method]) -> list[Running]:
    """Samples join one step after another and leave when they are done, between batches of 1 and of all."""
    waiting = [Request(each, 5 + place % 3, seed=place) for place, each in enumerate(settings)]
    done: list[Running] = []
    active: list[Running] = []
    while waiting or active:
        active += [start(waiting.pop(), SHAPE)] if waiting else []
        advance(model, active, SHAPE)
        done += [sample for sample in active if sample.is_done]
        active = [sample for sample in active if not sample.is_done]
    return done


SETTINGS: list[H2 | Method] = [
    H2(0.15, 0.2),
    H2(0.3, 0.3),
    H2(1e6, 1e6),
    H2(0.0, 1e6),
    H2(0.2, 0.4, max_consecutive=1),
    method("dicache", {}),
    method("dbcache", {"threshold": 0.4, "warmup": 1}),
    method("taylorseer", {"every": 3}),
]


# Inductor's own imports use what torch has deprecated.
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("backend", ["eager", pytest.param("inductor", marks=pytest.mark.slow)])
def test_thresholds_hits_joins_and_leaves_compile_nothing(backend: str) -> None:
    """A graph for each kind of block, alone and in a batch; methods with other borders find them too.

    What compiles again is the same under every backend; inductor, the usual one, takes a minute for its kernels.
    """
    transformer = tiny_transformer(double=1, single=2)
    model = warmed_up(flux_model(transformer, CompiledBlocks(backend=backend)))
    assert counters["stats"]["unique_graphs"] == 4
    with torch._dynamo.config.patch(error_on_recompile=True):
        samples = joining_and_leaving(model, SETTINGS)
    assert counters["stats"]["unique_graphs"] == 4
    plain = joining_and_leaving(flux_model(transformer), SETTINGS)
    assert [sample.letters for sample in samples] == [sample.letters for sample in plain]
    assert {"f", "d", "s"} <= set("".join(sample.letters for sample in samples))
    for got, wanted in zip(samples, plain, strict=True):
        torch.testing.assert_close(got.latents, wanted.latents, rtol=1e-4, atol=1e-4)
