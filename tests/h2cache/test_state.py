"""A sample's state belongs to the caller: never changed, of foretold size, and fit to be moved and saved."""

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from h2cache import H2CacheError, SampleCache, cache_bytes, denoise_step, flux_model, from_bytes, paper, to_bytes
from tests.h2cache.models import tiny_model, tiny_transformer
from tests.h2cache.samples import H2, SHAPE, Request, Running, Shape, advance, inputs_of, run_alone, start

MODEL = tiny_model()
REQUEST = Request(H2(0.24, 0.3, max_consecutive=4), 10, seed=1)


def tensors_of(cache: SampleCache) -> list[Tensor]:
    return [part for stage in cache.stages for part in stage.tensors]


def test_old_states_are_untouched_so_a_failed_step_can_be_taken_again() -> None:
    batch = [start(replace(REQUEST, seed=seed), SHAPE) for seed in range(3)]
    for _ in range(8):
        caches = [sample.cache for sample in batch]
        before = [[part.clone() for part in tensors_of(cache)] for cache in caches]
        once = denoise_step(MODEL, inputs_of(batch, SHAPE), caches)
        for cache, parts in zip(caches, before, strict=True):
            assert all(map(torch.equal, tensors_of(cache), parts))
        again = denoise_step(MODEL, inputs_of(batch, SHAPE), caches)
        assert torch.equal(once.velocity, again.velocity)
        assert once.records == again.records
        advance(MODEL, batch, SHAPE)
    assert {letter for sample in batch for letter in sample.letters} == set("fds")


def test_a_step_does_not_change_its_inputs() -> None:
    batch = [start(replace(REQUEST, seed=seed), SHAPE) for seed in range(2)]
    for _ in range(6):
        given_, same = inputs_of(batch, SHAPE), inputs_of(batch, SHAPE)
        denoise_step(MODEL, given_, [sample.cache for sample in batch])
        for name in ("latents", "prompt_embeds", "pooled", "timestep", "guidance"):
            assert torch.equal(getattr(given_, name), getattr(same, name))
        advance(MODEL, batch, SHAPE)


def test_inference_mode_may_begin_and_end_between_any_two_steps() -> None:
    want = run_alone(MODEL, REQUEST, SHAPE)
    modes = [torch.inference_mode, torch.no_grad, nullcontext]
    for shift in range(3):
        running = start(REQUEST, SHAPE)
        for step in range(10):
            with modes[(step + shift) % 3]():
                advance(MODEL, [running], SHAPE)
        assert torch.equal(running.latents, want.latents)
        assert not any(part.requires_grad for part in (running.latents, *tensors_of(running.cache)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [SHAPE, Shape(50, 90, 7)], ids=["windows of 1", "windows of 2 and 11"])
def test_tensors_are_the_sample_s_own_and_as_many_bytes_as_foretold(dtype: torch.dtype, shape: Shape) -> None:
    model = flux_model(tiny_transformer(double=1, single=1).to(dtype))
    batch = [start(Request(paper(), 4, seed), shape, dtype) for seed in range(2)]
    advance(model, batch, shape)
    for sample in batch:
        held = sum(tensor.untyped_storage().nbytes() for tensor in tensors_of(sample.cache))
        assert held == sample.cache.nbytes == cache_bytes(model, paper(), shape.image, shape.text)


def test_a_sample_saved_at_any_step_goes_on_as_if_nothing_had_happened() -> None:
    whole = run_alone(MODEL, REQUEST, SHAPE)
    assert set(whole.letters) == set("fds")
    moved = start(REQUEST, SHAPE)
    for _ in range(10):
        moved.cache = from_bytes(to_bytes(moved.cache), device="cpu")
        advance(MODEL, [moved], SHAPE)
    assert torch.equal(moved.latents, whole.latents)
    assert moved.records == whole.records
    assert moved.cache.statistics == whole.cache.statistics


def in_the_middle(dtype: torch.dtype = torch.float32) -> Running:
    running, model = start(REQUEST, SHAPE, dtype), tiny_model(dtype)
    for _ in range(4):
        advance(model, [running], SHAPE)
    return running


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_saving_keeps_every_bit_and_type(dtype: torch.dtype) -> None:
    cache = in_the_middle(dtype).cache
    back = from_bytes(to_bytes(cache))
    assert tensors_of(cache)
    for old, new in zip(tensors_of(cache), tensors_of(back), strict=True):
        assert old.dtype is new.dtype
        assert torch.equal(old, new)
    assert back.nbytes == cache.nbytes


def test_a_state_can_be_moved_to_another_device() -> None:
    cache = in_the_middle().cache
    away = cache.to("meta")
    assert {part.device.type for part in tensors_of(away)} == {"meta"}
    assert (away.step_index, away.nbytes) == (4, cache.nbytes)
    assert SampleCache.start(None, 3).to("meta") == SampleCache.start(None, 3)


def test_a_saved_sample_is_plain_safetensors_with_json() -> None:
    content = to_bytes(SampleCache.start(paper(0.1, 0.2, warmup=3), 4))
    length = int.from_bytes(content[:8], "little")
    sample = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["sample"])
    assert sample["method"]["guards"]["warmup"] == 3
    assert from_bytes(content) == SampleCache.start(paper(0.1, 0.2, warmup=3), 4)


SAVED = to_bytes(in_the_middle().cache)


@given(st.integers(0, len(SAVED)) | st.integers(0, 600), st.integers(0, 255))
def test_damaged_bytes_are_refused_or_read_and_nothing_else(place: int, value: int) -> None:
    damaged = bytearray(SAVED)
    damaged[min(place, len(SAVED) - 1)] = value
    for content in (bytes(damaged), SAVED[:place]):
        try:
            assert isinstance(from_bytes(content), SampleCache)
        except H2CacheError:
            assert content != SAVED


@pytest.mark.parametrize("content", [b"", b"no such thing", SAVED[:20]])
def test_bytes_that_are_no_saved_sample_are_refused(content: bytes) -> None:
    with pytest.raises(H2CacheError, match="not a saved sample"):
        from_bytes(content)


def test_a_saved_sample_of_another_format_is_refused_by_name() -> None:
    with pytest.raises(H2CacheError, match="h2cache-9"):
        from_bytes(SAVED.replace(b"h2cache-6", b"h2cache-9"))


@pytest.mark.parametrize(
    ("old", "new"), [(b"num_steps", b"num_stepz"), (b"0.0.txt", b"0.0.txz"), (b"warmup", b"warmpu")]
)
def test_a_saved_sample_with_a_part_missing_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(H2CacheError, match="not a whole saved sample"):
        from_bytes(SAVED.replace(old, new))


@pytest.mark.parametrize("wrong", [{"num_steps": 0}, {"num_steps": 1.5}, {"num_steps": 3, "step_index": -1}])
def test_impossible_progress_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(H2CacheError, match="allowed is a whole number"):
        SampleCache(paper(), **wrong)


def test_a_batch_needs_a_state_for_each_row() -> None:
    sample = start(REQUEST, SHAPE)
    with pytest.raises(H2CacheError, match="2 states for a batch of 1"):
        denoise_step(MODEL, inputs_of([sample], SHAPE), [sample.cache] * 2)


def test_a_state_of_another_size_is_refused() -> None:
    running = in_the_middle()
    running.latents = running.latents[:-1]
    with pytest.raises(H2CacheError, match="row 0 has 19 image tokens, allowed are its state's 20"):
        denoise_step(MODEL, inputs_of([running], Shape(1, 19, 3)), [running.cache])


def test_a_sample_takes_no_more_steps_than_it_has() -> None:
    running = run_alone(MODEL, REQUEST, SHAPE)
    with pytest.raises(H2CacheError, match="row 0 has taken 10 steps, allowed are 10"):
        advance(MODEL, [running], SHAPE)


def test_a_model_without_blocks_is_refused() -> None:
    with pytest.raises(H2CacheError, match="0 double and 3 single blocks"):
        flux_model(tiny_transformer(double=0))
