"""``python -m server.bench.plan_check``: is what ``h2serve plan`` foresees what a server then does?

One server with one model. Its step times are measured by so many requests under way all the time as a batch holds,
fewer and twice as many: as much is then decoded beside a batch of n as when n are in the house, and decoding takes
its share of the processor. Requests come and go, so that a batch's samples are at different steps. In between come
Poisson arrivals at 0.4, 0.6 and 0.8 of the capacity that follows, each against the simulation of the very same
arrivals by what was measured right before and right after: a machine's speed drifts within minutes.
"""

import argparse
import asyncio
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import httpx
from rich.console import Console
from rich.table import Table

from server.bench.memory import address_of
from server.plan.measured import Sums, mean_computed, mean_stage_s, mean_step_times, read_sums
from server.plan.simulate import Simulation, poisson
from server.plan.workload import Fleet, Workload
from server.profile import load_profile

MAX_BATCH, ROUNDS, SEED = 8, 6, 7
STAGGER_S = 0.1
"""Between the first requests of a closed loop: together they would stay together, and hit the cache together."""
UNDER_WAY = (1, 2, 3, 4, 6, MAX_BATCH, 2 * MAX_BATCH)
"""Twice a batch, so that it is full while others are decoded."""
LOADS = (0.4, 0.6, 0.8)
P50_WITHIN, P90_WITHIN = 0.15, 0.30
"""How far the forecast may be off; throughput has the p50's bound."""


@dataclass(frozen=True)
class Compared:
    """One number as foreseen and as measured."""

    load: float
    what: str
    foreseen: float
    measured: float
    within: float

    @property
    def miss(self) -> float:
        """Relative to what was measured."""
        return self.foreseen / self.measured - 1

    @property
    def is_kept(self) -> bool:
        return abs(self.miss) <= self.within


async def check(address: str, body: dict[str, object], steps: int, requests: int) -> list[Compared]:
    """Measure, foresee, compare."""
    async with httpx.AsyncClient(base_url=address, timeout=600) as client:
        await closed_loop(client, body, MAX_BATCH)
        before = await measure_steps(client, body)
        compared: list[Compared] = []
        for share in LOADS:
            load, fleet = planned(before, steps)
            arrivals = poisson(share * fleet.images_per_s(load), requests, Random(SEED))
            seen = await open_loop(client, body, arrivals)
            after = await measure_steps(client, body)
            foreseen = Simulation(*planned(before + after, steps), arrivals).latencies()
            compared += compare(share, arrivals, foreseen, seen)
            before = after
    return compared


def planned(measured: Sums, steps: int) -> tuple[Workload, Fleet]:
    """One such server, and its requests at one a second."""
    encode_s, decode_s = mean_stage_s(measured, "encode"), mean_stage_s(measured, "decode")
    load = Workload(1.0, steps, encode_s, decode_s, mean_computed(measured, steps))
    return load, Fleet(1, MAX_BATCH, mean_step_times(measured))


async def measure_steps(client: httpx.AsyncClient, body: dict[str, object]) -> Sums:
    """What the metrics gained over closed loops."""
    before = await scrape(client)
    for count in UNDER_WAY:
        await closed_loop(client, body, count)
    return await scrape(client) - before


async def closed_loop(client: httpx.AsyncClient, body: dict[str, object], count: int) -> None:
    """So many at a time, ``ROUNDS`` after each other; all must be answered."""

    async def one_by_one(place: int) -> None:
        await asyncio.sleep(place * STAGGER_S)
        for turn in range(ROUNDS):
            await one(client, {**body, "seed": count * turn + place}, 0.0)

    await asyncio.gather(*(one_by_one(place) for place in range(count)))


async def open_loop(client: httpx.AsyncClient, body: dict[str, object], arrivals: Sequence[float]) -> list[float]:
    """Seconds from each scheduled arrival to its answer; a slow answer does not hold back the next request."""
    start_s = time.perf_counter()
    waiting = [one(client, {**body, "seed": seed}, start_s + at_s) for seed, at_s in enumerate(arrivals)]
    return list(await asyncio.gather(*waiting))


async def one(client: httpx.AsyncClient, body: dict[str, object], at_s: float) -> float:
    """One request at its time, or at once where the time is past."""
    await asyncio.sleep(max(0.0, at_s - time.perf_counter()))
    started_s = at_s or time.perf_counter()
    (await client.post("/v1/images/generations", json=body)).raise_for_status()
    return time.perf_counter() - started_s


async def scrape(client: httpx.AsyncClient) -> Sums:
    """The metrics now."""
    return read_sums((await client.get("/metrics")).text)


def compare(
    load: float, arrivals: Sequence[float], foreseen: Sequence[float], seen: Sequence[float]
) -> Iterator[Compared]:
    """Throughput, p50 and p90 of the same arrivals."""
    rates = [len(arrivals) / max(a + s for a, s in zip(arrivals, late, strict=True)) for late in (foreseen, seen)]
    yield Compared(load, "images/s", rates[0], rates[1], P50_WITHIN)
    for name, share, within in (("p50 s", 0.5, P50_WITHIN), ("p90 s", 0.9, P90_WITHIN)):
        yield Compared(load, name, quantile(foreseen, share), quantile(seen, share), within)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def print_compared(compared: Sequence[Compared]) -> None:
    """A table with every miss."""
    table = Table("load", "number", "foreseen", "measured", "off by", "allowed")
    for each in compared:
        said = f"{each.miss:+.0%}" + ("" if each.is_kept else " MISS")
        table.add_row(
            f"{each.load:.1f}",
            each.what,
            f"{each.foreseen:.2f}",
            f"{each.measured:.2f}",
            said,
            f"{each.within:.0%}",
        )
    Console().print(table)


def main() -> None:
    """Exit code 1 when a number is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="flux-nano")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--requests", type=int, default=300, help="at each load (300)")
    wanted = parser.parse_args()
    profile = load_profile(wanted.model)
    body: dict[str, object] = {"prompt": profile.example_prompt, "cache": wanted.preset}
    words = ["--model", wanted.model, "--device", wanted.device, "--port", "0", "--max-batch", str(MAX_BATCH)]
    command = [sys.executable, "-m", "server", "serve", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            address = address_of(process.stdout)
            compared = asyncio.run(check(address, body, profile.default_steps, wanted.requests))
        finally:
            process.terminate()
    print_compared(compared)
    sys.exit(0 if all(each.is_kept for each in compared) else 1)


if __name__ == "__main__":
    main()
