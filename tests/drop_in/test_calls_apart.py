"""A call's decisions are its own, whatever else goes through the same transformer: held against a run alone.

A run alone has a wrapper of its own around the same weights, and nothing else in its process is under way.
"""

import gc
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
import torch
from diffusers import FluxTransformer2DModel
from torch import Tensor

from h2cache import H2Cache, H2Stats, Method, SampleCache, StepInputs, denoise_step, flux_model, method
from tests.drop_in.pipes import ALL, DEFAULT, MIXED, NOTHING, STEPS, Parts, add_lora, latents, letters, picture
from tests.tiny_flux import TEXT_LENGTH, dev_scheduler

GUIDED: dict[str, Any] = {"negative_prompt": "blue", "true_cfg_scale": 2.0}
LOOSE = {"method": "paper", "tau1": 0.52, "tau2": 0.5}


@pytest.fixture
def shared(transformer: FluxTransformer2DModel) -> H2Cache:
    return H2Cache(transformer)


def alone(parts: Parts, shared: H2Cache, said: Any, **more: Any) -> Tensor:
    return latents(parts.text_to_image(H2Cache(shared.model)), said, **more)


def together(first: Callable[[Callable[[], Any]], Tensor], second: Callable[[Callable[[], Any]], Tensor]) -> Any:
    """Both in threads that wait for each other at the end of each of ``STEPS`` steps: their steps interleave."""
    barrier, results = Barrier(2, timeout=60), [torch.empty(0)] * 2

    def run(place: int, call: Callable[[Callable[[], Any]], Tensor]) -> None:
        try:
            results[place] = call(barrier.wait)
        except BaseException:
            barrier.abort()
            raise

    threads = [Thread(target=run, args=pair) for pair in enumerate((first, second))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def meeting(meet: Callable[[], Any]) -> Callable[..., dict[str, Any]]:
    """A callback for a pipeline: wait for the other thread at a step's end."""

    def wait(pipeline: Any, step: int, timestep: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        meet()
        return kwargs

    return wait


@pytest.mark.parametrize(("said", "kinds"), [(MIXED, "fds"), (DEFAULT, "fs")], ids=["paper", "default"])
def test_a_pipeline_decides_as_the_library_does(
    said: dict[str, Any], kinds: str, parts: Parts, shared: H2Cache
) -> None:
    """The one test that has no other wrapper as its measure: the steps are taken by hand."""
    stats, pipeline = H2Stats(), parts.text_to_image(shared)
    got = latents(pipeline, {**said, "stats": stats})
    wanted, outcomes = by_hand(pipeline, shared.model, method(said.get("method", "default"), taus(said)))
    assert torch.equal(got, wanted)
    assert letters(stats.samples[0]) == outcomes
    assert set(outcomes) == set(kinds)


def taus(said: dict[str, Any]) -> dict[str, Any]:
    return {key: said[key] for key in ("tau1", "tau2")}


@torch.no_grad()
def by_hand(pipeline: Any, transformer: FluxTransformer2DModel, rule: Method) -> tuple[Tensor, str]:
    prompt, pooled, txt_ids = pipeline.encode_prompt("a red heart", None, max_sequence_length=TEXT_LENGTH)
    generator = torch.Generator().manual_seed(1)
    now, img_ids = pipeline.prepare_latents(1, 16, 64, 64, torch.float32, "cpu", generator)
    scheduler, model = dev_scheduler(), flux_model(transformer)
    sigmas = torch.linspace(1, 1 / STEPS, STEPS, dtype=torch.float64).numpy()
    mu = 0.5 + (1.15 - 0.5) * (now.shape[1] - 256) / (4096 - 256)
    scheduler.set_timesteps(sigmas=sigmas, mu=mu)
    cache, outcomes = SampleCache.start(rule, STEPS), ""
    for t in scheduler.timesteps:
        inputs = StepInputs(now, prompt, pooled, t[None] / 1000, torch.tensor([3.5]), img_ids, txt_ids)
        result = denoise_step(model, inputs, [cache])
        now, (cache,) = scheduler.step(result.velocity, t, now, return_dict=False)[0], result.caches
        outcomes += result.records[0].outcome.value[0]
    return now, outcomes


@pytest.mark.parametrize(
    "pair", [(MIXED, LOOSE), (DEFAULT, {"tau1": 0.15, "tau2": 0.22})], ids=["paper", "default"]
)
def test_two_threads_share_a_transformer(pair: tuple[Any, Any], parts: Parts, shared: H2Cache) -> None:
    calls: list[dict[str, Any]] = [
        {"seed": 1, "said": pair[0]},
        {"seed": 2, "said": pair[1], "prompt": "a blue disc"},
    ]

    def call(place: int) -> Callable[[Callable[[], Any]], Tensor]:
        return lambda meet: latents(
            parts.text_to_image(shared), **calls[place], callback_on_step_end=meeting(meet)
        )

    got = together(call(0), call(1))
    for each, given in zip(got, calls, strict=True):
        assert torch.equal(each, alone(parts, shared, **given))
    assert len(shared.runs) == 0


def test_two_threads_have_lora_scales_of_their_own(parts: Parts, shared: H2Cache) -> None:
    """diffusers scales the layers in place, for the time of a call."""
    add_lora(shared)
    scales: list[dict[str, Any]] = [{"attention": {"scale": 0.3}}, {"attention": {"scale": 2.0}}]

    def call(place: int) -> Callable[[Callable[[], Any]], Tensor]:
        return lambda meet: latents(
            parts.text_to_image(shared), (MIXED, None)[place], **scales[place], callback_on_step_end=meeting(meet)
        )

    got = together(call(0), call(1))
    assert torch.equal(got[0], alone(parts, shared, MIXED, **scales[0]))
    assert torch.equal(got[1], alone(parts, shared, None, **scales[1]))


def test_one_settings_object_serves_two_threads(parts: Parts, shared: H2Cache) -> None:
    said = {**MIXED, "stats": H2Stats()}

    def call(seed: int) -> Callable[[Callable[[], Any]], Tensor]:
        return lambda meet: latents(
            parts.text_to_image(shared), said, seed=seed, callback_on_step_end=meeting(meet)
        )

    got = together(call(1), call(2))
    assert torch.equal(got[0], alone(parts, shared, MIXED, seed=1))
    assert torch.equal(got[1], alone(parts, shared, MIXED, seed=2))
    assert said == {**MIXED, "stats": said["stats"]}
    assert [len(log.records) for log in said["stats"].samples] == [STEPS, STEPS]


def test_one_settings_object_serves_two_calls(parts: Parts, shared: H2Cache) -> None:
    said, pipeline = dict(MIXED), parts.text_to_image(shared)
    first, second = latents(pipeline, said), latents(pipeline, said)
    assert torch.equal(first, second)
    assert torch.equal(second, alone(parts, shared, MIXED))


class Stopped(Exception):
    """The user has lost patience."""


def stop_at(last: int) -> Callable[..., dict[str, Any]]:
    def stop(pipeline: Any, step: int, timestep: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        if step == last:
            raise Stopped
        return kwargs

    return stop


def test_image_to_image_after_an_aborted_call_starts_anew(parts: Parts, shared: H2Cache) -> None:
    """It goes on at a lower timestep than the call was aborted at, as the aborted call itself would have."""
    pipeline, further = parts.text_to_image(shared), parts.image_to_image(shared)
    with pytest.raises(Stopped):
        latents(pipeline, MIXED, callback_on_step_end=stop_at(5))
    got = latents(further, MIXED, image=picture(), strength=0.4)
    fresh = parts.image_to_image(H2Cache(shared.model))
    assert torch.equal(got, latents(fresh, MIXED, image=picture(), strength=0.4))


def test_nothing_is_kept_of_an_aborted_call(parts: Parts, shared: H2Cache) -> None:
    with pytest.raises(Stopped) as stopped:
        latents(parts.text_to_image(shared), MIXED, callback_on_step_end=stop_at(5))
    assert len(shared.runs) == 1  # the traceback still has the call's tensors
    del stopped
    gc.collect()
    assert len(shared.runs) == 0


def test_both_branches_of_true_guidance_decide_for_themselves(parts: Parts, shared: H2Cache) -> None:
    """With a scale of 1 + tiny the image is the conditional branch's alone, and so are its decisions."""
    both, one = H2Stats(), H2Stats()
    nearly = {**GUIDED, "true_cfg_scale": 1.0 + 1e-9}
    latents(parts.text_to_image(shared), {**MIXED, "stats": both}, **nearly)
    latents(parts.text_to_image(shared), {**MIXED, "stats": one})
    conditional, unconditional = both.samples
    assert letters(conditional) == letters(one.samples[0])
    distances = [[record.d1 for record in log.records] for log in both.samples]
    assert distances[0] != distances[1]
    assert letters(unconditional)[0] == "f"


@pytest.mark.parametrize("kind", ["text_to_image", "image_to_image"])
def test_true_guidance_with_reuse_is_that_of_two_wrappers(kind: str, parts: Parts, shared: H2Cache) -> None:
    """FluxPipeline has ids of its own for each branch, FluxImg2ImgPipeline has not."""
    more = {**GUIDED, **({"image": picture(), "strength": 0.8} if kind == "image_to_image" else {})}
    got = latents(getattr(parts, kind)(shared), MIXED, **more)
    wanted = latents(getattr(parts, kind)(OneForEachBranch(shared.model)), MIXED, **more)
    assert torch.equal(got, wanted)


class OneForEachBranch(torch.nn.Module):
    """Two wrappers in turn: the first call of a step is the conditional branch's."""

    def __init__(self, model: FluxTransformer2DModel) -> None:
        super().__init__()
        self.branches = torch.nn.ModuleList([H2Cache(model), H2Cache(model)])
        self.config, self.dtype, self.device, self.calls = model.config, model.dtype, model.device, 0

    def cache_context(self, name: str) -> Any:
        return self.branches[0].cache_context(name)  # type: ignore[operator]  # a module's method

    def forward(self, **kwargs: Any) -> Any:
        self.calls += 1
        return self.branches[(self.calls - 1) % 2](**kwargs)


@pytest.mark.parametrize(
    "change",
    [
        {"height": 96},
        {"num_inference_steps": 7},
        {"said": LOOSE},
        {"said": {"method": "fbcache", "threshold": 0.2}},
    ],
    ids=["image size", "step count", "threshold", "method"],
)
def test_the_next_call_may_be_another(change: dict[str, Any], parts: Parts, shared: H2Cache) -> None:
    given = {"said": MIXED, **change}
    pipeline = parts.text_to_image(shared)
    latents(pipeline, MIXED)
    assert torch.equal(latents(pipeline, **given), alone(parts, shared, **given))


def test_a_threshold_may_change_in_the_midst_of_a_call(parts: Parts, shared: H2Cache) -> None:
    """From there on it decides, on what has been remembered up to then."""
    said: dict[str, Any] = {**NOTHING, "stats": H2Stats()}

    def loosen(pipeline: Any, step: int, timestep: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        if step == 5:
            said.update(ALL)
        return kwargs

    latents(parts.text_to_image(shared), said, callback_on_step_end=loosen)
    assert letters(said["stats"].samples[0]) == "ffffff" + "s" * (STEPS - 6)


def test_another_method_in_the_midst_of_a_call_starts_with_a_full_step(parts: Parts, shared: H2Cache) -> None:
    said: dict[str, Any] = {**ALL, "stats": H2Stats()}

    def switch(pipeline: Any, step: int, timestep: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        if step == 5:
            del said["tau1"], said["tau2"]
            said.update(method="fbcache", threshold=1e6)
        return kwargs

    latents(parts.text_to_image(shared), said, callback_on_step_end=switch)
    assert letters(said["stats"].samples[0]) == "fsssssfsssss"


def test_each_row_of_a_batch_decides_as_it_would_alone(parts: Parts, shared: H2Cache) -> None:
    prompts = ["a red heart", "a blue disc", "two squares"]
    settings: list[Any] = [{**MIXED, "stats": H2Stats()}, None, {**LOOSE, "stats": H2Stats()}]
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2, 3)]
    batch = latents(parts.text_to_image(shared), settings, prompt=prompts, generator=generators)
    assert letters(settings[0]["stats"].samples[0]) != letters(settings[2]["stats"].samples[0])
    for row, prompt in enumerate(prompts):
        single = alone(parts, shared, [settings[row]], prompt=prompt, seed=row + 1)
        torch.testing.assert_close(batch[row], single[0], rtol=1e-4, atol=1e-4)
    for settled in (settings[0], settings[2]):
        in_batch, by_itself = settled["stats"].samples
        assert letters(in_batch) == letters(by_itself)
