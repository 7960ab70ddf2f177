"""A sample's decisions and result are its own, whoever shares the batch, the model or the process."""

import threading

import pytest
import torch

from h2cache import flux_model
from tests.h2cache.samples import (
    H2,
    Request,
    Running,
    Shape,
    run_alone,
    run_together,
    shared_model,
    tiny_transformer,
)

SHAPE = Shape(4, 5, 3)
REQUESTS = [
    Request(H2(0.3, 0.3), 12, seed=1),
    Request(H2(0.4, 0.1), 9, seed=2, guidance=1.0),
    Request(None, 7, seed=3),
    Request(H2(0.25, 0.5, warmup=2, last_full=True, max_consecutive=2), 12, seed=4),
    Request(H2(0.0, 0.4), 5, seed=5),
]
_, MODEL = shared_model()


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 2, 0, 3, 1], [3, 0], [0, 0, 0]])
def test_a_sample_is_not_changed_by_its_neighbours_their_number_or_order(order: list[int]) -> None:
    together = run_together(MODEL, [REQUESTS[i] for i in order], SHAPE, torch.float64)
    for i, sample in zip(order, together, strict=True):
        alone = run_alone(MODEL, REQUESTS[i], SHAPE, torch.float64)
        assert sample.outcomes == alone.outcomes
        assert sample.cache.statistics == alone.cache.statistics
        assert (sample.latents - alone.latents).abs().max() <= 1e-9


def test_threads_on_one_transformer_get_exactly_what_each_gets_alone() -> None:
    model = flux_model(tiny_transformer())
    wanted = [run_alone(model, request, SHAPE) for request in REQUESTS]
    got: dict[int, Running] = {}
    barrier = threading.Barrier(len(REQUESTS))

    def work(i: int) -> None:
        barrier.wait(60)
        got[i] = run_alone(model, REQUESTS[i], SHAPE)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(REQUESTS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({alone.letters for alone in wanted}) == len(wanted)
    for i, alone in enumerate(wanted):
        assert got[i].records == alone.records
        assert torch.equal(got[i].latents, alone.latents)
