"""Every method decides and computes what its formulas say, alone and among others."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from h2cache import METHODS, H2CacheError, method
from h2cache.parts import from_json, to_json
from tests.h2cache import plain
from tests.h2cache.method_cases import CASES, EXAMPLES, SHAPE, STEPS, Case
from tests.h2cache.models import shared_model
from tests.h2cache.samples import Running, advance, run_alone, start

TRANSFORMER, MODEL = shared_model()
NUM_BLOCKS = 5


@torch.no_grad()
def by_the_formulas(case: Case, seed: int) -> tuple[Tensor, list[int]]:
    """Latents at the end, and blocks run in each step."""
    request, step = case.request(STEPS, seed), case.formulas()
    latents, run = request.latents(SHAPE.image, torch.float64), []
    for k in range(STEPS):
        net = plain.net_at(TRANSFORMER, request, k, latents, SHAPE)
        latents = latents - step(net, k, STEPS)[0] / STEPS
        run.append(net.count)
    return latents, run


def assert_same(case: Case, running: Running, seed: int) -> None:
    latents, run = by_the_formulas(case, seed)
    assert [record.blocks_run for record in running.records] == run
    # Gamma of the guarded fill is float32, as all that is measured.
    assert (running.latents - latents).abs().max() <= (1e-6 if case.name == "dicache" else 1e-9)


@settings(max_examples=60, deadline=None)
@given(CASES, st.integers(0, 50))
def test_a_sample_alone_follows_its_method_s_formulas(case: Case, seed: int) -> None:
    assert_same(case, run_alone(MODEL, case.request(STEPS, seed), SHAPE, torch.float64), seed)


@settings(max_examples=25, deadline=None)
@given(st.lists(CASES, min_size=2, max_size=5), st.data())
def test_samples_of_different_methods_in_one_batch_follow_their_own_formulas(
    cases: list[Case], data: st.DataObject
) -> None:
    samples = [start(case.request(STEPS, seed), SHAPE, torch.float64) for seed, case in enumerate(cases)]
    while active := [sample for sample in samples if not sample.is_done]:
        advance(MODEL, data.draw(st.lists(st.sampled_from(active), min_size=1, unique_by=id)), SHAPE)
    for seed, (case, sample) in enumerate(zip(cases, samples, strict=True)):
        assert_same(case, sample, seed)


@pytest.mark.parametrize("case", EXAMPLES, ids=[case.name for case in EXAMPLES])
def test_these_examples_compute_and_reuse(case: Case) -> None:
    run = {record.blocks_run for record in run_alone(MODEL, case.request(STEPS, 1), SHAPE, torch.float64).records}
    assert len(run) >= 2
    assert max(run) == NUM_BLOCKS


def test_every_method_has_an_example() -> None:
    assert {case.name for case in EXAMPLES} == set(METHODS)


@given(CASES)
def test_a_method_is_json_and_back(case: Case) -> None:
    made = method(case.name, case.parameters)
    assert from_json(to_json(made)) == made


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("tea", {}, "method is 'tea', allowed are default, paper, fbcache"),
        ("teacache", {"tau1": 1}, "'tau1' is no parameter of teacache, allowed are threshold"),
        ("mask", {"steps": "012"}, "allowed are the letters 0 and 1"),
        ("taylorseer", {"order": 3}, "order is 3, allowed are 1 and 2"),
        ("taylorseer", {"every": 0}, "every is 0, allowed is a whole number from 1 up"),
        ("dicache", {"most": 0.5}, "most is 0.5, allowed is a finite number from 1 up"),
        ("dbcache", {"first": 0}, "first is 0"),
        ("hicache", {"order": 3}, "order is 3, allowed are 1 and 2"),
        ("ertacache-like", {}, "ertacache-like needs pattern"),
        ("sencache", {"to_latents": (1.0,), "to_time": (1.0, 2.0), "times": (1.0,)}, "to_time has 2 numbers"),
        ("sencache", {"to_latents": (), "to_time": (), "times": ()}, "to_latents is empty"),
    ],
)
def test_a_wrong_method_or_parameter_is_named_with_what_is_allowed(
    name: str, parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(H2CacheError, match=said):
        method(name, parameters)
