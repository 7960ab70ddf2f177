"""The noise levels that a gate goes by: the caller's where it says them, the device's where it does not."""

from dataclasses import replace

import pytest
import torch

from h2cache import H2CacheError, denoise_step, from_bytes, method, to_bytes
from tests.h2cache.host_reads import HostReads
from tests.h2cache.models import tiny_model
from tests.h2cache.samples import Request, Running, Shape, inputs_of, start

SHAPE = Shape(3, 4, 2)
MODEL = tiny_model()
STEPS = 12


def run(says_sigmas: bool, saves: bool = False) -> tuple[Running, list[int]]:
    """A sample to its end, and how often the host waited in each step."""
    running = start(Request(method("default", {"tau1": 0.3, "tau2": 0.4}), STEPS, 1), SHAPE)
    waits = []
    for step in range(STEPS):
        sigma = 1 - step / STEPS
        inputs = replace(inputs_of([running], SHAPE), sigmas=(sigma,) if says_sigmas else None)
        with HostReads() as reads:
            result = denoise_step(MODEL, inputs, [running.cache])
        waits.append(sum(reads.seen.values()))
        running.latents = running.latents - result.velocity[0] / STEPS
        running.cache = from_bytes(to_bytes(result.caches[0])) if saves else result.caches[0]
        running.records += result.records
    return running, waits


def test_the_host_waits_once_after_each_computed_step_where_the_caller_says_them() -> None:
    running, waits = run(says_sigmas=True)
    assert 1 < running.letters.count("f") < STEPS
    assert waits == [0, *(int(before == "f") for before in running.letters[:-1])]


def test_without_them_it_decides_alike_and_waits_once_a_step() -> None:
    told, _ = run(says_sigmas=True)
    read, waits = run(says_sigmas=False)
    assert read.letters == told.letters
    assert torch.equal(read.latents, told.latents)
    assert waits == [0] + (STEPS - 1) * [1]


def test_a_saved_sample_still_knows_them() -> None:
    whole, waits = run(says_sigmas=True)
    moved, waits_of_saved = run(says_sigmas=True, saves=True)
    assert moved.letters == whole.letters
    assert waits_of_saved == waits


def test_as_many_as_samples_are_asked_for() -> None:
    running = start(Request(None, STEPS, 1), SHAPE)
    inputs = replace(inputs_of([running], SHAPE), sigmas=(1.0, 1.0))
    with pytest.raises(H2CacheError, match="2 sigmas for a batch of 1, allowed is one a row"):
        denoise_step(MODEL, inputs, [running.cache])
