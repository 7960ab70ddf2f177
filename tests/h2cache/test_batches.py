"""A sample's decisions and result are its own, whoever shares the batch, the model or the process."""

import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from h2cache import CacheSettings, Outcome, denoise_step, flux_model, from_bytes, to_bytes
from tests.h2cache.samples import Request, Running, Shape, advance, inputs_of, run_alone, start, tiny_transformer

SHAPE = Shape(4, 5, 3)
REQUESTS = [
    Request(CacheSettings(0.3, 0.3), 12, seed=1),
    Request(CacheSettings(0.4, 0.1), 9, seed=2, guidance=1.0),
    Request(None, 7, seed=3),
    Request(CacheSettings(0.25, 0.5, warmup=2, last_full=True, max_consecutive=2), 12, seed=4),
    Request(CacheSettings(0.0, 0.4), 5, seed=5),
]


def outcomes(running: Running) -> list[Outcome]:
    return [record.outcome for record in running.records]


def run_together(
    transformer: FluxTransformer2DModel, requests: list[Request], dtype: torch.dtype
) -> list[Running]:
    samples = [start(request, SHAPE, dtype) for request in requests]
    while active := [sample for sample in samples if not sample.is_done]:
        advance(transformer, active, SHAPE)
    return samples


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 2, 0, 3, 1], [3, 0]])
def test_a_sample_is_not_changed_by_its_neighbours_their_number_or_order(order: list[int]) -> None:
    transformer = tiny_transformer().double()
    for i, sample in zip(
        order, run_together(transformer, [REQUESTS[i] for i in order], torch.float64), strict=True
    ):
        alone = run_alone(transformer, REQUESTS[i], SHAPE, torch.float64)
        assert outcomes(sample) == outcomes(alone)
        assert (sample.latents - alone.latents).abs().max() <= 1e-9


def test_thresholds_of_zero_are_bit_equal_to_the_model_itself() -> None:
    transformer = tiny_transformer()
    batch = [start(Request(CacheSettings(0.0, 0.0), 6, seed), SHAPE, torch.float32) for seed in range(3)]
    for _ in range(6):
        given = inputs_of(batch, SHAPE)
        with torch.no_grad():
            (want,) = transformer(
                hidden_states=given.latents,
                encoder_hidden_states=given.prompt_embeds,
                pooled_projections=given.pooled,
                timestep=given.timestep,
                guidance=given.guidance,
                img_ids=given.img_ids,
                txt_ids=given.txt_ids,
                return_dict=False,
            )
        got = denoise_step(flux_model(transformer), given, [sample.cache for sample in batch])
        assert torch.equal(got.velocity, want)
        advance(transformer, batch, SHAPE)


@pytest.mark.parametrize("field", ["tau1", "tau2"])
def test_a_larger_threshold_never_skips_less_at_the_same_state(field: str) -> None:
    transformer, ladder = tiny_transformer(), [0.0, 0.1, 0.2, 0.3, 0.5, 1.0]
    sample = start(Request(CacheSettings(0.3, 0.3), 12, seed=6), SHAPE, torch.float32)
    for _ in range(12):
        run = []
        for tau in ladder:
            rule = replace(CacheSettings(0.2, 0.2), **{field: tau})  # type: ignore[arg-type]  # a name of a tau
            cache = replace(sample.cache, settings=rule)
            result = denoise_step(flux_model(transformer), inputs_of([sample], SHAPE), [cache])
            run.append(result.records[0].blocks_run)
        assert run == sorted(run, reverse=True)
        advance(transformer, [sample], SHAPE)


class Reads(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own
    """Counts what makes the host wait for the device: scalar reads, nonzero, copies to the CPU."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        to_cpu = name == "_to_copy" and str((kwargs or {}).get("device")) == "cpu"
        if name in ("_local_scalar_dense", "nonzero", "is_nonzero", "masked_select") or to_cpu:
            self.seen[name] += 1
        return func(*args, **(kwargs or {}))


class Lists(TorchFunctionMode):
    """Counts the reads that a CPU tensor answers without a dispatch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in ("tolist", "item", "cpu", "numpy", "__bool__", "__float__", "__int__"):
            self.seen[func.__name__] += 1
        return func(*args, **(kwargs or {}))


def test_a_step_synchronises_once_a_stage_for_the_whole_batch() -> None:
    transformer = tiny_transformer()
    batch = [start(request, SHAPE, torch.float32) for request in REQUESTS]
    kinds = set()
    while active := [sample for sample in batch if not sample.is_done]:
        with Reads() as reads, Lists() as lists:
            advance(transformer, active, SHAPE)
        assert not reads.seen
        assert set(lists.seen) <= {"tolist"}
        assert lists.seen["tolist"] <= 2
        kinds |= {sample.records[-1].outcome for sample in active}
    assert kinds == set(Outcome)


def test_the_counters_of_synchronisations_see_one() -> None:
    with Reads() as reads, Lists() as lists:
        bool(torch.ones(1) > 0)
        torch.ones(3).nonzero()
        torch.ones(3).tolist()
    assert reads.seen["_local_scalar_dense"] == 1
    assert reads.seen["nonzero"] == 1
    assert lists.seen["tolist"] == 1


def test_two_threads_on_one_transformer_get_what_each_gets_alone() -> None:
    transformer = tiny_transformer()
    wanted = [run_alone(transformer, request, SHAPE, torch.float32) for request in REQUESTS]
    got: dict[int, Running] = {}
    barrier = threading.Barrier(len(REQUESTS))

    def work(i: int) -> None:
        barrier.wait()
        got[i] = run_alone(transformer, REQUESTS[i], SHAPE, torch.float32)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(REQUESTS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, alone in enumerate(wanted):
        assert outcomes(got[i]) == outcomes(alone)
        assert torch.equal(got[i].latents, alone.latents)


def test_a_failed_step_can_be_taken_again_because_the_old_states_are_untouched() -> None:
    transformer = tiny_transformer()
    sample = start(Request(CacheSettings(0.4, 0.4), 8, seed=1), SHAPE, torch.float32)
    for _ in range(8):
        once = denoise_step(flux_model(transformer), inputs_of([sample], SHAPE), [sample.cache])
        again = denoise_step(flux_model(transformer), inputs_of([sample], SHAPE), [sample.cache])
        assert torch.equal(once.velocity, again.velocity)
        assert once.records == again.records
        advance(transformer, [sample], SHAPE)


def test_a_sample_that_goes_non_finite_computes_everything_and_its_neighbours_do_not_notice() -> None:
    transformer = tiny_transformer().double()
    sick, well = (start(REQUESTS[i], SHAPE, torch.float64) for i in (0, 1))
    for step in range(9):
        if step == 3:
            sick.latents = torch.full_like(sick.latents, float("nan"))
        advance(transformer, [sick, well], SHAPE)
    alone = run_alone(transformer, REQUESTS[1], SHAPE, torch.float64)
    assert (well.latents - alone.latents).abs().max() <= 1e-9
    assert outcomes(well) == outcomes(alone)
    assert not well.cache.nonfinite
    assert [record.nonfinite for record in sick.records] == [False] * 3 + [True] * 6
    assert {record.outcome for record in sick.records[3:]} == {Outcome.FULL}
    assert sick.cache.nonfinite
    assert sick.cache.nbytes == 0


def test_a_sample_saved_in_the_middle_goes_on_as_if_nothing_had_happened() -> None:
    transformer = tiny_transformer()
    request = Request(CacheSettings(0.4, 0.4, max_consecutive=2), 10, seed=8)
    whole = run_alone(transformer, request, SHAPE, torch.float32)
    moved = start(request, SHAPE, torch.float32)
    for _ in range(10):
        moved.cache = from_bytes(to_bytes(moved.cache))
        advance(transformer, [moved], SHAPE)
    assert torch.equal(moved.latents, whole.latents)
    assert moved.records == whole.records
    assert moved.cache.statistics == whole.cache.statistics


def test_a_stage_s_tensors_are_the_sample_s_own_and_as_many_bytes_as_foretold() -> None:
    transformer = tiny_transformer()
    batch = [start(Request(CacheSettings(0.2, 0.2), 4, seed), SHAPE, torch.float32) for seed in range(4)]
    advance(transformer, batch, SHAPE)
    for sample in batch:
        tensors = (*sample.cache.structure.tensors, *sample.cache.detail.tensors)
        assert sum(tensor.untyped_storage().nbytes() for tensor in tensors) == sample.cache.nbytes
        assert sample.cache.nbytes == flux_model(transformer).state_bytes(20, 3)
