"""What disturbs a call: another one at the same time, and one before it that ended half-way."""

from threading import Barrier, Thread
from typing import Any

import torch
from torch import Tensor

from docs.drop_in_compare.bench import Bench
from docs.drop_in_compare.libraries import Level
from tests.drop_in.pipes import STEPS

LIMIT_S = 120
"""A scenario that takes longer hangs."""


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
