"""Every method decides and computes what its formulas say, alone and among others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from h2cache import (
    METHODS,
    H2CacheError,
    cache_bytes,
    denoise_step,
    from_bytes,
    method,
    to_bytes,
)
from h2cache.parts import from_json, to_json
from tests.h2cache import plain
from tests.h2cache.host_reads import HostReads
from tests.h2cache.models import shared_model
from tests.h2cache.samples import (
    Request,
    Running,
    Shape,
    advance,
    inputs_of,
    run_alone,
    start,
)

SHAPE = Shape(3, 4, 2)
TRANSFORMER, MODEL = shared_model()
NUM_BLOCKS = 5
STEPS = 9
RATIOS = (1.0, 1.3, 0.9, 1.05, 0.97, 1.2, 0.8)


@dataclass(frozen=True)
class Case:
    """A method with parameters, as the library and as the formulas have it."""

    name: str
    parameters: dict[str, Any]
    formulas: Callable[[], Any]

    def request(self, num_steps: int, seed: int) -> Request:
        return Request(method(self.name, self.parameters), num_steps, seed)


THRESHOLDS = st.integers(0, 600).map(lambda thousandths: thousandths / 1000)


def fbcache(threshold: float) -> Case:
    return Case("fbcache", {"threshold": threshold}, lambda: plain.fbcache(threshold))


def fbcache_taylor(threshold: float) -> Case:
    return Case("fbcache-taylor", {"threshold": threshold}, lambda: plain.fbcache(threshold, taylor=1))


def dbcache(threshold: float, first: int, last: int, warmup: int) -> Case:
    """On 5 blocks 12 and 23 of FLUX.1's 57 are 1 and 2."""
    parameters = {"threshold": threshold, "first": 12 * first, "last": 12 * last, "warmup": warmup}
    return Case("dbcache", parameters, lambda: plain.fbcache(threshold, first, last, warmup))


def teacache(threshold: float, scale: float) -> Case:
    polynomial = tuple(scale * c for c in (2.0, -0.5, 1.0, 0.01))
    parameters = {"threshold": threshold, "polynomial": polynomial}
    return Case("teacache", parameters, lambda: plain.teacache(threshold, polynomial))


def dicache(threshold: float, depth: int, most: float) -> Case:
    parameters = {"threshold": threshold, "depth": 1 if depth == 1 else 12 * depth, "most": most}
    return Case("dicache", parameters, lambda: plain.dicache(threshold, depth, most, 0.2))


def magcache(threshold: float, max_skips: int, share: float) -> Case:
    parameters = {"threshold": threshold, "max_skips": max_skips, "warmup_share": share, "ratios": RATIOS}
    return Case("magcache", parameters, lambda: plain.magcache(threshold, max_skips, share, RATIOS))


def taylorseer(every: int, order: int, offset: int, warmup: int) -> Case:
    parameters = {"every": every, "order": order, "offset": offset, "warmup": warmup}
    return Case("taylorseer", parameters, lambda: plain.taylorseer(every, order, offset, warmup))


def seacache(threshold: float, power: float) -> Case:
    parameters = {"threshold": threshold, "power": power}
    return Case("seacache", parameters, lambda: plain.seacache(threshold, power, SHAPE.rows, SHAPE.columns))


def hicache(every: int, order: int, scale: float, warmup: int) -> Case:
    parameters = {"every": every, "order": order, "scale": scale, "warmup": warmup}
    return Case("hicache", parameters, lambda: plain.hicache(every, order, scale, warmup))


def freqca(every: int, order: int, scale: float, cutoff: float, warmup: int) -> Case:
    parameters = {"every": every, "order": order, "scale": scale, "cutoff": cutoff, "warmup": warmup}
    grid = (SHAPE.rows, SHAPE.columns)
    return Case("freqca", parameters, lambda: plain.freqca(every, order, scale, cutoff, warmup, *grid))


def procache(pattern: str, order: int, warmup: int) -> Case:
    parameters = {"pattern": pattern, "order": order, "warmup": warmup}
    return Case("procache", parameters, lambda: plain.procache(pattern, order, warmup))


def sencache(threshold: float, start: float, max_skips: int, scale: float) -> Case:
    to_latents = tuple(scale * (1 + k % 3) for k in range(STEPS))
    to_time = tuple(scale * (2 - k % 2) for k in range(STEPS))
    parameters = {
        "threshold": threshold,
        "start": start,
        "max_skips": max_skips,
        "to_latents": to_latents,
        "to_time": to_time,
        "times": tuple(1 - k / STEPS for k in range(STEPS)),
    }
    return Case("sencache", parameters, lambda: plain.sencache(threshold, start, max_skips, to_latents, to_time))


def ertacache_like(pattern: str, gain: float) -> Case:
    gains = tuple(gain**k for k in range(STEPS))
    parameters = {"pattern": pattern, "gains": gains}
    return Case("ertacache-like", parameters, lambda: plain.ertacache_like(pattern, gains))


def default(tau1: float, tau2: float, order: int) -> Case:
    parameters = {"tau1": tau1, "tau2": tau2, "order": order}
    return Case("default", parameters, lambda: plain.default(tau1, tau2, order))


def mask(steps: str) -> Case:
    return Case("mask", {"steps": steps}, lambda: plain.mask(steps))


PATTERNS = st.text("01", min_size=9, max_size=9)
CASES = st.one_of(
    st.builds(fbcache, THRESHOLDS),
    st.builds(fbcache_taylor, THRESHOLDS),
    st.builds(dbcache, THRESHOLDS, st.integers(1, 2), st.integers(0, 2), st.integers(0, 3)),
    st.builds(teacache, THRESHOLDS, st.floats(0.2, 2.0)),
    st.builds(dicache, THRESHOLDS, st.integers(1, 2), st.floats(1.0, 2.5)),
    st.builds(magcache, THRESHOLDS, st.integers(0, 4), st.floats(0.0, 1.0)),
    st.builds(seacache, st.floats(0.0, 3.0), st.floats(1.0, 3.0)),
    st.builds(taylorseer, st.integers(1, 4), st.integers(1, 2), st.integers(0, 4), st.integers(0, 3)),
    st.builds(hicache, st.integers(1, 4), st.integers(1, 2), st.floats(0.2, 1.0), st.integers(0, 4)),
    st.builds(
        freqca,
        st.integers(1, 4),
        st.integers(1, 2),
        st.floats(0.2, 1.0),
        # Frequencies of the grid lie at roots of whole numbers: a cutoff on one of them may fall to either side.
        st.sampled_from([0.0, 0.1, 0.3, 0.45, 0.7, 1.1]),
        st.integers(0, 4),
    ),
    st.builds(procache, PATTERNS, st.integers(1, 2), st.integers(0, 4)),
    st.builds(sencache, THRESHOLDS, THRESHOLDS, st.integers(0, 4), st.floats(0.2, 2.0)),
    st.builds(ertacache_like, PATTERNS, st.floats(0.9, 1.1)),
    st.builds(
        default,
        # Not where a stretch ends at a step to the last digit, which may fall to either side.
        THRESHOLDS.map(lambda tau: tau + 0.0003),
        THRESHOLDS.map(lambda tau: tau + 0.0003),
        st.integers(0, 4),
    ),
    st.builds(mask, PATTERNS),
)


@torch.no_grad()
def by_the_formulas(case: Case, seed: int) -> tuple[Tensor, list[int]]:
    """Latents at the end, and blocks run in each step."""
    request, step = case.request(STEPS, seed), case.formulas()
    latents, run = request.latents(SHAPE.image, torch.float64), []
    tokens, vector = request.text(SHAPE.text, torch.float64)
    for k in range(STEPS):
        t = torch.tensor([1 - k / STEPS], dtype=torch.float64)
        net = plain.Net(
            TRANSFORMER, latents[None], tokens[None], vector[None], t, torch.tensor([3.5]).double(), *SHAPE.ids()
        )
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


EXAMPLES = [
    fbcache(0.25),
    fbcache_taylor(0.25),
    dbcache(0.3, 1, 1, 1),
    teacache(0.3, 0.3),
    dicache(0.5, 1, 1.5),
    magcache(0.5, 2, 0.1),
    seacache(1.0, 2.0),
    taylorseer(3, 2, 2, 2),
    hicache(3, 2, 0.5, 2),
    freqca(3, 2, 0.7, 0.3, 2),
    procache("001101101", 2, 2),
    sencache(0.5, 0.1, 2, 1.0),
    ertacache_like("001101101", 1.02),
    mask("001101101"),
    default(0.3, 0.4, 1),
    Case("paper", {"tau1": 0.25, "tau2": 0.3}, lambda: None),
]


@pytest.mark.parametrize("case", EXAMPLES, ids=[case.name for case in EXAMPLES])
def test_these_examples_compute_and_reuse(case: Case) -> None:
    run = {record.blocks_run for record in run_alone(MODEL, case.request(STEPS, 1), SHAPE, torch.float64).records}
    assert len(run) >= 2
    assert max(run) == NUM_BLOCKS


def test_every_method_has_an_example() -> None:
    assert {case.name for case in EXAMPLES} == set(METHODS)


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


BLIND = {"magcache", "taylorseer", "hicache", "freqca", "procache", "ertacache-like", "mask"}
"""They measure nothing."""


@pytest.mark.parametrize(
    ("case", "most"),
    [(case, 2 if case.name == "paper" else 0 if case.name in BLIND else 1) for case in EXAMPLES],
)
def test_the_host_waits_once_where_a_probe_is_measured_and_never_for_a_schedule(case: Case, most: int) -> None:
    batch = [start(case.request(STEPS, seed), SHAPE, torch.float64) for seed in range(3)]
    seen = set()
    for _ in range(STEPS):
        inputs, caches = inputs_of(batch, SHAPE), [sample.cache for sample in batch]
        with HostReads() as reads:
            denoise_step(MODEL, inputs, caches)
        seen.add(sum(reads.seen.values()))
        advance(MODEL, batch, SHAPE)
    assert max(seen) == most


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
