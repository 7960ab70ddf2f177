"""What a fleet would do under a load, and the smallest fleet that keeps a promise. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from server.errors import SettingsError
from server.plan.simulate import Simulation, poisson
from server.plan.workload import Fleet, Workload

REQUESTS, SEED = 4000, 7
MOST_WORKERS = 4096


@dataclass(frozen=True, slots=True)
class Forecast:
    """Latencies in seconds; ``utilisation`` is the rate over what the fleet makes at most."""

    workers: int
    utilisation: float
    images_per_s: float
    p50_s: float
    p90_s: float
    p99_s: float


def forecast(load: Workload, fleet: Fleet, requests: int = REQUESTS) -> Forecast:
    """Of ``requests`` simulated ones, the first tenth left out; beyond capacity there is no steady state."""
    arrivals = poisson(load.rate_per_s, requests, Random(SEED))
    late = Simulation(load, fleet, arrivals).latencies()
    skipped = requests // 10
    ends = [at + took for at, took in zip(arrivals, late, strict=True)]
    seen = sorted(late[skipped:])
    return Forecast(
        fleet.workers,
        load.rate_per_s / fleet.images_per_s(load),
        (requests - skipped) / (max(ends) - arrivals[max(0, skipped - 1)]),
        *(seen[min(len(seen) - 1, math.ceil(share * len(seen)) - 1)] for share in (0.5, 0.9, 0.99)),
    )


def fleets(load: Workload, one: Fleet, p99_s: float) -> Iterator[Forecast]:
    """From the smallest number of workers that carries the load up to the first that keeps the p99.

    Raises SettingsError when an idle worker is too slow for it, or when ``MOST_WORKERS`` are not enough.
    """
    alone_s = load.encode_s + load.steps * one.step_times.of(1) + load.decode_s
    if alone_s > p99_s:
        raise SettingsError(f"p99 is {p99_s:g} s, allowed is at least {alone_s:.2f} s: what one image takes alone")
    workers = math.floor(load.rate_per_s / one.images_per_s(load)) + 1
    while workers <= MOST_WORKERS:
        made = forecast(load, replace(one, workers=workers))
        yield made
        if made.p99_s <= p99_s:
            return
        workers += max(1, workers // 10)
    raise SettingsError(f"rate is {load.rate_per_s:g}, allowed is what {MOST_WORKERS} workers carry")
