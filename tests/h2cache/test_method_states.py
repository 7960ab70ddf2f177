"""A sample's state under any method is fit to be saved, and of foretold size."""

import pytest
import torch

from h2cache import cache_bytes, from_bytes, to_bytes
from tests.h2cache.method_cases import EXAMPLES, SHAPE, STEPS, Case
from tests.h2cache.models import tiny_model
from tests.h2cache.samples import advance, run_alone, start

MODEL = tiny_model(torch.float64)


@pytest.mark.parametrize("case", EXAMPLES, ids=[case.name for case in EXAMPLES])
def test_a_saved_sample_of_any_method_goes_on_as_if_nothing_had_happened(case: Case) -> None:
    whole = run_alone(MODEL, case.request(STEPS, 1), SHAPE, torch.float64)
    moved = start(case.request(STEPS, 1), SHAPE, torch.float64)
    for _ in range(STEPS):
        moved.cache = from_bytes(to_bytes(moved.cache))
        advance(MODEL, [moved], SHAPE)
    assert torch.equal(moved.latents, whole.latents)
    assert moved.records == whole.records


@pytest.mark.parametrize("case", EXAMPLES, ids=[case.name for case in EXAMPLES])
def test_a_state_is_never_larger_than_foretold_and_once_as_large(case: Case) -> None:
    request = case.request(STEPS, 1)
    running, sizes = start(request, SHAPE, torch.float64), []
    for _ in range(STEPS):
        advance(MODEL, [running], SHAPE)
        sizes.append(running.cache.nbytes)
    assert request.method is not None
    assert max(sizes) == cache_bytes(MODEL, request.method, SHAPE.image, SHAPE.text)
