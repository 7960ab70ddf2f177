"""Caches for diffusers, each as it is put on a transformer and told how much to reuse."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from diffusers import FirstBlockCacheConfig, MagCacheConfig, TaylorSeerCacheConfig

from h2cache import H2Cache
from tests.drop_in.pipes import STEPS


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
    import cache_dit  # type: ignore[import-not-found, unused-ignore]  # not everyone has it

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
