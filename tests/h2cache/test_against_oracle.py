"""The library decides and computes what the formulas say."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from h2cache import CacheSettings
from tests.h2cache.samples import Request, Running, Shape, advance, run_alone, run_oracle, start, tiny_transformer

TAUS = st.floats(0.0, 0.8)
RULES = st.builds(
    CacheSettings,
    tau1=TAUS,
    tau2=TAUS,
    warmup=st.integers(0, 3),
    last_full=st.booleans(),
    max_consecutive=st.none() | st.integers(0, 3),
)
REQUESTS = st.builds(
    Request,
    settings=st.none() | RULES,
    num_steps=st.integers(1, 7),
    seed=st.integers(0, 50),
    guidance=st.floats(1.0, 5.0),
)
SHAPES = st.builds(Shape, rows=st.integers(1, 6), columns=st.integers(1, 6), text=st.integers(1, 5))


TRANSFORMER = tiny_transformer().double()


def are_close(got: float | None, want: float | None) -> bool:
    return (got is None and want is None) or (got is not None and got == pytest.approx(want, rel=1e-4))


def assert_as_the_oracle_says(running: Running, shape: Shape) -> None:
    latents, steps = run_oracle(TRANSFORMER, running.request, shape, running.latents.dtype)
    assert [record.outcome.value for record in running.records] == [outcome for outcome, _, _ in steps]
    assert (running.latents - latents).abs().max() <= 1e-9
    if running.request.settings is not None:
        for record, (_, d1, d2) in zip(running.records, steps, strict=True):
            assert are_close(record.d1, d1)
            assert are_close(record.d2, d2)


@settings(max_examples=15, deadline=None)
@given(REQUESTS, SHAPES)
def test_a_sample_alone_follows_the_formulas(request: Request, shape: Shape) -> None:
    running = run_alone(TRANSFORMER, request, shape, torch.float64)
    assert_as_the_oracle_says(running, shape)


@settings(max_examples=10, deadline=None)
@given(st.lists(REQUESTS, min_size=2, max_size=4), SHAPES, st.data())
def test_samples_that_join_and_leave_in_any_interleaving_follow_the_formulas(
    requests: list[Request], shape: Shape, data: st.DataObject
) -> None:
    samples = [start(request, shape, torch.float64) for request in requests]
    while active := [sample for sample in samples if not sample.is_done]:
        batch = data.draw(st.lists(st.sampled_from(active), min_size=1, unique_by=id))
        advance(TRANSFORMER, batch, shape)
    for sample in samples:
        assert_as_the_oracle_says(sample, shape)


@pytest.mark.parametrize(
    "shape",
    [Shape(1, 2305, 5), Shape(64, 64, 3), Shape(67, 71, 9)],
    ids=["2305 tokens, window 1", "4096 tokens, window 2 and 10", "4757 tokens, counts that do not divide"],
)
@pytest.mark.parametrize("taus", [(0.35, 0.5), (0.2, 1.2)])
def test_large_images_are_summarized_in_the_paper_s_windows(shape: Shape, taus: tuple[float, float]) -> None:
    transformer = tiny_transformer(double=1, single=2).double()
    request = Request(CacheSettings(*taus), 6, seed=3)
    latents, steps = run_oracle(transformer, request, shape, torch.float64)
    running = run_alone(transformer, request, shape, torch.float64)
    assert [record.outcome.value for record in running.records] == [outcome for outcome, _, _ in steps]
    assert len({outcome for outcome, _, _ in steps}) > 1
    assert (running.latents - latents).abs().max() <= 1e-9


def test_in_float32_decisions_agree_when_thresholds_are_away_from_all_distances() -> None:
    transformer, shape, request = tiny_transformer(), Shape(4, 5, 3), Request(CacheSettings(0.2, 0.3), 12, seed=1)
    latents, steps = run_oracle(transformer, request, shape, torch.float32)
    margins = [
        abs(d - tau) for _, *pair in steps for d, tau in zip(pair, (0.2, 0.3), strict=True) if d is not None
    ]
    assert min(margins) > 1e-4
    assert {outcome for outcome, _, _ in steps} == {"full", "detail_hit", "structure_hit"}
    running = run_alone(transformer, request, shape, torch.float32)
    assert [record.outcome.value for record in running.records] == [outcome for outcome, _, _ in steps]
    torch.testing.assert_close(running.latents, latents, atol=1e-4, rtol=1e-4)


def test_a_model_without_guidance_embedding_follows_the_formulas() -> None:
    transformer = tiny_transformer(guidance=False).double()
    shape, request = Shape(3, 4, 2), Request(CacheSettings(0.3, 0.3), 8, seed=1, guidance=None)
    latents, steps = run_oracle(transformer, request, shape, torch.float64)
    running = run_alone(transformer, request, shape, torch.float64)
    assert [record.outcome.value for record in running.records] == [outcome for outcome, _, _ in steps]
    assert (running.latents - latents).abs().max() <= 1e-9
