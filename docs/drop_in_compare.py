"""Which caches for diffusers keep calls, branches and rows apart, as a Markdown table on stdout.

    python -m docs.drop_in_compare

Every cell is a process of its own, since some of the libraries change classes. In it the last call of a scenario
is made on a transformer that other calls have used, and again on a fresh one: the two images have to be the same.
The models are tiny and random. cache-dit has a column where it is installed. ParaAttention 0.3.38 does not run
with diffusers 0.42.1: single-stream blocks are called without their text stream.
"""

import importlib.util
import multiprocessing
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from queue import Empty
from threading import Barrier, Thread
from typing import Any

import torch
from diffusers import FirstBlockCacheConfig, MagCacheConfig, TaylorSeerCacheConfig
from torch import Tensor

from h2cache import H2Cache
from tests.drop_in.pipes import STEPS, Parts, latents, lively_transformer, picture

LIMIT_S = 120
CLOSE = 1e-3
"""Largest difference of latents (of size about 1) that still counts as the same image."""


@dataclass(frozen=True)
class Level:
    """How much is reused: a threshold, or for schedules an interval. cache-dit has to be told of true guidance."""

    threshold: float
    every: int
    guided: bool = False


LOW, HIGH = Level(0.4, 2), Level(0.55, 4)
LOW_GUIDED = replace(LOW, guided=True)


@dataclass(frozen=True)
class Library:
    """``wrap`` gives the transformer with the cache, ``join`` prepares a pipeline, ``change`` sets another level.

    ``said`` is what a call says, None where a cache takes nothing from a call.
    """

    wrap: Callable[[Any, Level], Any]
    change: Callable[[Any, Level], None]
    join: Callable[[Any, Level], None] = lambda pipeline, level: None
    said: Callable[[Level], Any] = lambda level: None


def hooks(config: Callable[[Level], Any]) -> Library:
    """A cache of diffusers itself."""

    def wrap(transformer: Any, level: Level) -> Any:
        transformer.enable_cache(config(level))
        return transformer

    def change(pipeline: Any, level: Level) -> None:
        pipeline.transformer.disable_cache()
        pipeline.transformer.enable_cache(config(level))

    return Library(wrap, change)


def magnitudes(level: Level) -> MagCacheConfig:
    return MagCacheConfig(
        threshold=level.threshold / 4, num_inference_steps=STEPS, mag_ratios=[1.0] + [0.96] * (STEPS - 1)
    )


def join_cache_dit(pipeline: Any, level: Level) -> None:
    """By its own interface, which takes a pipeline."""
    import cache_dit

    config = cache_dit.DBCacheConfig(
        Fn_compute_blocks=1,
        max_warmup_steps=1,
        residual_diff_threshold=level.threshold,
        enable_separate_cfg=level.guided,
    )
    cache_dit.enable_cache(pipeline, cache_config=config)


def change_cache_dit(pipeline: Any, level: Level) -> None:
    import cache_dit

    cache_dit.disable_cache(pipeline)
    join_cache_dit(pipeline, level)


LIBRARIES: Mapping[str, Library] = {
    "h2cache `H2Cache`": Library(
        wrap=lambda transformer, level: H2Cache(transformer),
        change=lambda pipeline, level: None,
        said=lambda level: {"tau1": level.threshold, "tau2": 0.5},
    ),
    "diffusers FirstBlockCache": hooks(lambda level: FirstBlockCacheConfig(threshold=level.threshold)),
    "diffusers MagCache": hooks(magnitudes),
    "diffusers TaylorSeer": hooks(lambda level: TaylorSeerCacheConfig(cache_interval=level.every, max_order=1)),
    "cache-dit DBCache": Library(lambda transformer, level: transformer, change_cache_dit, join_cache_dit),
}
NEEDS = {"cache-dit DBCache": "cache_dit"}


@dataclass
class Bench:
    """Calls of one library."""

    library: Library
    parts: Parts

    def fresh(self, level: Level = LOW) -> Any:
        """A transformer that nobody has used."""
        return self.library.wrap(lively_transformer(), level)

    def pipeline(self, transformer: Any, level: Level = LOW, kind: str = "text_to_image") -> Any:
        made = getattr(self.parts, kind)(transformer)
        self.library.join(made, level)
        return made

    def call(self, pipeline: Any, level: Level = LOW, **more: Any) -> Tensor:
        return latents(pipeline, self.library.said(level), **more)

    def alone(self, level: Level = LOW, kind: str = "text_to_image", **more: Any) -> Tensor:
        """Raises NothingReused where the cache has no part in the image."""
        cached = self.call(self.pipeline(self.fresh(level), level, kind), level, **more)
        if torch.equal(cached, latents(getattr(Parts.tiny(), kind)(lively_transformer()), **more)):
            raise NothingReused
        return cached


class NothingReused(Exception):
    """The scenario would say nothing."""


NEARLY: dict[str, Any] = {"negative_prompt": "blue", "true_cfg_scale": 1 + 1e-9}
"""True guidance at a scale at which the image is the conditional branch's alone."""
FROM_IMAGE: dict[str, Any] = {"image": picture(), "strength": 0.8}


def two_threads(bench: Bench) -> tuple[Tensor, Tensor]:
    return interleaved(bench, (LOW, LOW))


def two_thresholds(bench: Bench) -> tuple[Tensor, Tensor]:
    return interleaved(bench, (LOW, HIGH))


def interleaved(bench: Bench, levels: tuple[Level, Level]) -> tuple[Tensor, Tensor]:
    """Two pipelines around one transformer, a step in turn."""
    wanted = [bench.alone(level, seed=seed) for seed, level in enumerate(levels)]
    transformer, barrier = bench.fresh(levels[0]), Barrier(2, timeout=LIMIT_S / 2)
    pipelines = [bench.pipeline(transformer, level) for level in levels]
    got: list[Tensor | BaseException] = [torch.empty(0)] * 2

    def run(place: int) -> None:
        def meet(pipeline: Any, step: int, timestep: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
            barrier.wait()
            return kwargs

        try:
            got[place] = bench.call(pipelines[place], levels[place], seed=place, callback_on_step_end=meet)
        except Exception as error:
            got[place] = error
            barrier.abort()

    threads = [Thread(target=run, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in got:
        if isinstance(each, BaseException) and type(each).__name__ != "BrokenBarrierError":
            raise each
    return torch.stack(got), torch.stack(wanted)  # type: ignore[arg-type]  # errors are raised above


class Stopped(Exception):
    """The call is over."""


def abort(bench: Bench, pipeline: Any) -> None:
    """A call that ends half-way."""

    def stop(pipeline: Any, step: int, timestep: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        if step == STEPS // 2:
            raise Stopped
        return kwargs

    try:
        bench.call(pipeline, callback_on_step_end=stop)
    except Stopped:
        return


def call_after_an_aborted_one(bench: Bench) -> tuple[Tensor, Tensor]:
    wanted, transformer = bench.alone(seed=3), bench.fresh()
    pipeline = bench.pipeline(transformer)
    abort(bench, pipeline)
    return bench.call(pipeline, seed=3), wanted


def image_to_image_after_an_aborted_call(bench: Bench) -> tuple[Tensor, Tensor]:
    wanted, transformer = bench.alone(kind="image_to_image", **FROM_IMAGE), bench.fresh()
    abort(bench, bench.pipeline(transformer))
    return bench.call(bench.pipeline(transformer, kind="image_to_image"), **FROM_IMAGE), wanted


def the_same_call_again(bench: Bench) -> tuple[Tensor, Tensor]:
    wanted, pipeline = bench.alone(), bench.pipeline(bench.fresh())
    bench.call(pipeline)
    return bench.call(pipeline), wanted


def true_guidance(bench: Bench) -> tuple[Tensor, Tensor]:
    return bench.alone(LOW_GUIDED, **NEARLY), bench.alone()


def true_guidance_in_image_to_image(bench: Bench) -> tuple[Tensor, Tensor]:
    kind = "image_to_image"
    return bench.alone(LOW_GUIDED, kind, **NEARLY, **FROM_IMAGE), bench.alone(LOW, kind, **FROM_IMAGE)


def another_size_and_step_count(bench: Bench) -> tuple[Tensor, Tensor]:
    other: dict[str, Any] = {"height": 96, "num_inference_steps": STEPS - 3}
    wanted, pipeline = bench.alone(**other), bench.pipeline(bench.fresh())
    bench.call(pipeline)
    return bench.call(pipeline, **other), wanted


def changed_threshold(bench: Bench) -> tuple[Tensor, Tensor]:
    wanted, pipeline = bench.alone(HIGH), bench.pipeline(bench.fresh(LOW), LOW)
    bench.call(pipeline, LOW)
    bench.library.change(pipeline, HIGH)
    return bench.call(pipeline, HIGH), wanted


def rows_of_a_batch(bench: Bench) -> tuple[Tensor, Tensor]:
    prompts = ["a red heart", "two squares"]
    wanted = [bench.alone(prompt=prompt, seed=seed) for seed, prompt in enumerate(prompts)]
    generators = [torch.Generator().manual_seed(seed) for seed in range(2)]
    batch = bench.call(bench.pipeline(bench.fresh()), prompt=prompts, generator=generators)
    return batch, torch.cat(wanted)


SCENARIOS = (
    two_threads,
    two_thresholds,
    call_after_an_aborted_one,
    image_to_image_after_an_aborted_call,
    the_same_call_again,
    true_guidance,
    true_guidance_in_image_to_image,
    another_size_and_step_count,
    changed_threshold,
    rows_of_a_batch,
)


def cell(name: str, scenario: Callable[[Bench], tuple[Tensor, Tensor]], answers: Any) -> None:
    """Put the verdict of one scenario."""
    torch.set_num_threads(1)
    bench = Bench(LIBRARIES[name], Parts.tiny())
    try:
        got, wanted = scenario(bench)
        answers.put("yes" if (got - wanted).abs().max() < CLOSE else "**another image**")
    except Exception as error:
        print(f"{name}, {scenario.__name__}: {error!r}"[:300], file=sys.stderr)
        answers.put(f"**{type(error).__name__}**")


def verdict(name: str, scenario: Callable[[Bench], tuple[Tensor, Tensor]]) -> str:
    """One cell, in a process of its own."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=cell, args=(name, scenario, answers))
    process.start()
    try:
        return str(answers.get(timeout=LIMIT_S))
    except Empty:
        return "**hangs**"
    finally:
        process.kill()
        process.join()


def main() -> None:
    """Print the table, libraries as columns."""
    installed = [name for name in LIBRARIES if name not in NEEDS or importlib.util.find_spec(NEEDS[name])]
    print("| the image is that of a fresh transformer |", " | ".join(installed), "|")
    print("| --- |" + " --- |" * len(installed))
    for scenario in SCENARIOS:
        verdicts = [verdict(name, scenario) for name in installed]
        print(f"| {scenario.__name__.replace('_', ' ')} |", " | ".join(verdicts), "|", flush=True)


if __name__ == "__main__":
    main()
