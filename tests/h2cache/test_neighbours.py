"""A sample's decisions and result are its own, whoever shares the batch, the model or the process."""

import threading
from dataclasses import replace
from math import prod

import pytest
import torch

from h2cache import Conditioning, FluxModel, Streams, cache_bytes, flux_model, method, paper
from h2cache.adapter import Adapter
from h2cache.family import Block
from tests.h2cache.families import FAMILIES
from tests.h2cache.models import tiny_model
from tests.h2cache.samples import H2, SHAPE, Request, Running, advance, run_alone, run_together, start

REQUESTS = [
    Request(H2(0.3, 0.3), 12, seed=1),
    Request(H2(0.4, 0.1), 9, seed=2, guidance=1.0),
    Request(None, 7, seed=3),
    Request(H2(0.25, 0.5, warmup=2, last_full=True, max_consecutive=2), 12, seed=4),
    Request(H2(0.0, 0.4), 5, seed=5),
]
MODEL = tiny_model(torch.float64)


def scaled(request: Request, factor: float) -> Request:
    """The same with thresholds for a livelier model."""
    rule = request.settings
    if not isinstance(rule, H2):
        return request
    return replace(request, settings=replace(rule, tau1=factor * rule.tau1, tau2=factor * rule.tau2))


def count_rows(model: FluxModel, counts: list[list[int]]) -> FluxModel:
    """The model, with the rows that each of its blocks is given put down, a list a step."""

    def counted(place: int, block: Block) -> Block:
        def run(streams: Streams, conditioning: Conditioning) -> Streams:
            if place == 0:
                counts.append([0] * len(model.blocks))
            counts[-1][place] += len(streams.img)
            return block(streams, conditioning)

        return run

    assert isinstance(model, Adapter)
    return replace(model, blocks=[counted(place, block) for place, block in enumerate(model.blocks)])


@pytest.mark.parametrize("name", FAMILIES)
def test_in_every_family_samples_have_thresholds_of_their_own_and_leave_the_batch_where_they_hit(
    name: str,
) -> None:
    family, counts = FAMILIES[name], list[list[int]]()
    model = family.exact_model()
    requests = [scaled(request, family.liveliness) for request in REQUESTS]
    together = run_together(count_rows(model, counts), requests, SHAPE, family.exact, family)
    assert {letter for sample in together for letter in sample.letters} == set("fds")
    assert len({sample.letters for sample in together}) == len(together)
    for sample, request in zip(together, requests, strict=True):
        alone = run_alone(model, request, SHAPE, family.exact, family)
        assert sample.letters == alone.letters
        assert sample.cache.statistics == alone.cache.statistics
        assert (sample.latents - alone.latents).abs().max() <= family.nearness
    for step, rows in enumerate(counts):
        ran = [sample.records[step] for sample in together if step < len(sample.records)]
        assert sum(rows) == sum(record.blocks_run for record in ran)


@pytest.mark.parametrize("name", FAMILIES)
def test_in_every_family_a_state_takes_as_many_bytes_as_foretold(name: str) -> None:
    family = FAMILIES[name]
    model = flux_model(family.build())
    references = 0 if family.references is None else prod(family.references)
    for rule in (paper(), method("default", {}), method("taylorseer", {"warmup": 2})):
        sample = start(Request(rule, 4, 1), SHAPE)
        for _ in range(2):
            advance(model, [sample], SHAPE, family)
        assert sample.cache.nbytes == cache_bytes(model, rule, SHAPE.image, SHAPE.text, references)


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 2, 0, 3, 1], [3, 0], [0, 0, 0]])
def test_a_sample_is_not_changed_by_its_neighbours_their_number_or_order(order: list[int]) -> None:
    together = run_together(MODEL, [REQUESTS[i] for i in order], SHAPE, torch.float64)
    for i, sample in zip(order, together, strict=True):
        alone = run_alone(MODEL, REQUESTS[i], SHAPE, torch.float64)
        assert sample.outcomes == alone.outcomes
        assert sample.cache.statistics == alone.cache.statistics
        assert (sample.latents - alone.latents).abs().max() <= 1e-9


def test_threads_on_one_transformer_get_exactly_what_each_gets_alone() -> None:
    model = tiny_model()
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
