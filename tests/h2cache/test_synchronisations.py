"""The host waits for the device at most once a stage and step, whatever the batch."""

import pytest
import torch

from h2cache import FluxModel, Outcome, denoise_step, flux_model
from tests.h2cache.families import FAMILIES
from tests.h2cache.host_reads import HostReads
from tests.h2cache.method_cases import BLIND, EXAMPLES, STEPS, Case
from tests.h2cache.models import DEV, Family, tiny_model
from tests.h2cache.samples import H2, SHAPE, Request, Running, advance, inputs_of, start

MODEL = tiny_model()
GREEDY = H2(50.0, 50.0)


def reads_of_a_step(batch: list[Running], model: FluxModel = MODEL, family: Family = DEV) -> dict[str, int]:
    inputs, caches = inputs_of(batch, SHAPE, family), [sample.cache for sample in batch]
    with HostReads() as reads:
        denoise_step(model, inputs, caches)
    return dict(reads.seen)


def test_a_mixed_batch_is_read_once_a_stage() -> None:
    rules = [None, H2(0.3, 0.3), H2(0.4, 0.1), H2(0.2, 0.5, 2, True, 2)]
    batch = [start(Request(rule, 12, seed), SHAPE) for seed, rule in enumerate(rules)]
    kinds: set[Outcome] = set()
    for _ in range(12):
        found = reads_of_a_step(batch)
        advance(MODEL, batch, SHAPE)
        cached = {sample.records[-1].outcome for sample in batch[1:]}
        stages = 1 if cached == {Outcome.STRUCTURE_HIT} else 2
        assert found == {"tolist": stages}
        kinds |= cached
    assert kinds == set(Outcome)


@pytest.mark.parametrize("name", FAMILIES)
def test_in_every_family_a_batch_is_read_once_where_it_hits_structure_and_never_without_a_cache(name: str) -> None:
    family = FAMILIES[name]
    model = flux_model(family.build())
    cached, plain = ([start(Request(rule, 4, seed), SHAPE) for seed in range(3)] for rule in (GREEDY, None))
    advance(model, cached, SHAPE, family)
    assert reads_of_a_step(cached, model, family) == {"tolist": 1}
    assert reads_of_a_step(plain, model, family) == {}


@pytest.mark.parametrize(
    ("case", "most"),
    [(case, 2 if case.name == "paper" else 0 if case.name in BLIND else 1) for case in EXAMPLES],
)
def test_the_host_waits_once_where_a_probe_is_measured_and_never_for_a_schedule(case: Case, most: int) -> None:
    batch = [start(case.request(STEPS, seed), SHAPE) for seed in range(3)]
    seen = set()
    for _ in range(STEPS):
        seen.add(sum(reads_of_a_step(batch).values()))
        advance(MODEL, batch, SHAPE)
    assert max(seen) == most


@pytest.mark.parametrize(
    ("wait", "name"),
    [
        (lambda x: bool(x.sum() > 0), "_local_scalar_dense"),
        (lambda x: x.sum().item(), "item"),
        (lambda x: x.tolist(), "tolist"),
        (lambda x: x.nonzero(), "nonzero"),
        (lambda x: x[x > 0], "index"),
        (lambda x: x.to("cpu", copy=True), "_to_copy"),
        (lambda x: x.cpu(), "cpu"),
        (lambda x: x.numpy(), "numpy"),
    ],
)
def test_the_counter_sees_every_way_to_wait(wait: object, name: str) -> None:
    assert callable(wait)
    with HostReads() as reads:
        wait(torch.ones(3))
    assert reads.seen[name] == 1
