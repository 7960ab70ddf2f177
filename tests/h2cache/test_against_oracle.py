"""The library decides and computes what the formulas say."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from h2cache import flux_model
from tests.h2cache.asking import Said, ask_oracle
from tests.h2cache.models import shared_model, tiny_transformer
from tests.h2cache.samples import H2, Request, Running, Shape, advance, run_alone, run_together, start

TAUS = st.integers(0, 600).map(lambda thousandths: thousandths / 1000)
RULES = st.builds(
    H2,
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
TRANSFORMER, MODEL = shared_model()


def assert_same(running: Running, said: Said, tolerance: float = 1e-9) -> None:
    assert [outcome.value for outcome in running.outcomes] == said.outcomes
    assert (running.latents - said.latents).abs().max() <= tolerance
    if running.request.settings is not None:
        found = [(record.d1, record.d2) for record in running.records]
        assert [d for pair in found for d in pair] == [
            None if d is None else pytest.approx(d, rel=1e-4) for pair in said.distances for d in pair
        ]


@settings(max_examples=40, deadline=None)
@given(REQUESTS, SHAPES)
def test_a_sample_alone_follows_the_formulas(request: Request, shape: Shape) -> None:
    running = run_alone(MODEL, request, shape, torch.float64)
    assert_same(running, ask_oracle(TRANSFORMER, request, shape, torch.float64))


@settings(max_examples=30, deadline=None)
@given(st.lists(REQUESTS, min_size=2, max_size=5), SHAPES, st.data())
def test_samples_that_join_and_leave_in_any_interleaving_follow_the_formulas(
    requests: list[Request], shape: Shape, data: st.DataObject
) -> None:
    samples = [start(request, shape, torch.float64) for request in requests]
    while active := [sample for sample in samples if not sample.is_done]:
        batch = data.draw(st.lists(st.sampled_from(active), min_size=1, unique_by=id))
        advance(MODEL, batch, shape)
    for sample in samples:
        assert_same(sample, ask_oracle(TRANSFORMER, sample.request, shape, torch.float64))


LARGE = {
    "2305 image tokens: windows 1 and 6": Shape(1, 2305, 5),
    "4096 and 512 text: windows 2 and 12": Shape(64, 64, 512),
    "4757 and 9 text: windows 2 and 12 that do not divide": Shape(67, 71, 9),
}


@pytest.mark.parametrize("shape", LARGE.values(), ids=LARGE.keys())
def test_large_images_are_summarized_in_the_paper_s_windows(shape: Shape) -> None:
    transformer = tiny_transformer(single=2).double()
    request = Request(H2(0.3, 3.0), 3, seed=4)
    said = ask_oracle(transformer, request, shape, torch.float64)
    assert set(said.outcomes) == {"full", "detail_hit", "structure_hit"}
    assert_same(run_alone(flux_model(transformer), request, shape, torch.float64), said)


def test_neighbours_with_large_images_follow_the_formulas() -> None:
    transformer, shape = tiny_transformer(single=2).double(), Shape(1, 2305, 5)
    requests = [Request(H2(0.28, 0.9), 4, seed=4), Request(H2(0.4, 0.6), 3, seed=3)]
    for running in run_together(flux_model(transformer), requests, shape, torch.float64):
        assert_same(running, ask_oracle(transformer, running.request, shape, torch.float64))


def test_windows_wider_than_the_model_are_clamped_to_its_channels() -> None:
    transformer, shape = tiny_transformer(heads=1, single=2).double(), Shape(64, 75, 3)
    request = Request(H2(0.2, 0.2), 3, seed=3)
    running = run_alone(flux_model(transformer), request, shape, torch.float64)
    assert_same(running, ask_oracle(transformer, request, shape, torch.float64))
    seen = running.cache.stages[1].anchors[0].seen
    assert seen is not None
    assert seen.summary.shape == (4803 // 12, 1)


def test_in_float32_decisions_agree_when_thresholds_are_away_from_all_distances() -> None:
    transformer, shape, request = tiny_transformer(), Shape(4, 5, 3), Request(H2(0.2, 0.3), 12, seed=1)
    said = ask_oracle(transformer, request, shape, torch.float32)
    margins = [abs(d - tau) for pair in said.distances for d, tau in zip(pair, (0.2, 0.3), strict=True) if d]
    assert min(margins) > 1e-4
    assert set(said.outcomes) == {"full", "detail_hit", "structure_hit"}
    assert_same(run_alone(flux_model(transformer), request, shape), said, tolerance=1e-4)


@pytest.mark.parametrize("counts", [(1, 1), (1, 3), (3, 1)])
def test_a_stage_of_a_single_block_follows_the_formulas(counts: tuple[int, int]) -> None:
    transformer = tiny_transformer(double=counts[0], single=counts[1]).double()
    shape, request = Shape(3, 4, 2), Request(H2(0.3, 0.3), 8, seed=1)
    running = run_alone(flux_model(transformer), request, shape, torch.float64)
    assert_same(running, ask_oracle(transformer, request, shape, torch.float64))


def test_a_model_without_guidance_embedding_follows_the_formulas() -> None:
    transformer = tiny_transformer(guidance=False).double()
    shape, request = Shape(3, 4, 2), Request(H2(0.3, 0.3), 8, seed=1, guidance=None)
    running = run_alone(flux_model(transformer), request, shape, torch.float64)
    assert_same(running, ask_oracle(transformer, request, shape, torch.float64))


def test_the_thresholds_of_these_tests_lead_to_every_kind_of_step() -> None:
    pairs = ((0.2, 0.25), (0.25, 0.3), (0.1, 0.4))
    requests = [Request(H2(*taus), 7, seed) for taus in pairs for seed in range(4)]
    letters = "".join(sample.letters for sample in run_together(MODEL, requests, Shape(3, 4, 2), torch.float64))
    assert min(letters.count(kind) for kind in "fds") >= 8
