"""The whole benchmark: warm-up, capacity, the curve over offered rates, the frontier, and then the files."""

import math
from dataclasses import dataclass
from typing import Any

import httpx

from load_tests.client import http_client, read_key
from load_tests.errors import LoadTestError
from load_tests.frontier import Point, points_of, run_pairs, with_reference
from load_tests.loops import Pass, closed_loop, open_loop
from load_tests.mix import Mix, load_mix
from load_tests.orders import mixed_orders, timed_orders
from load_tests.outcome import Outcome
from load_tests.plan import Plan
from load_tests.progress import Progress
from load_tests.rates import needs_capacity
from load_tests.server_facts import describe_server
from load_tests.summary import Summary, summarise

UNMEASURED = -1
"""The seed of requests that no measured run sends."""


@dataclass(frozen=True)
class Run:
    """One rate and seed."""

    summary: Summary
    outcomes: list[Outcome]


@dataclass(frozen=True)
class Findings:
    """``capacity`` in images a second of a closed loop over the mix; None when no rate needed it."""

    capacity: float | None
    runs: list[Run]
    points: list[Point]
    server: dict[str, Any]

    @property
    def are_valid(self) -> bool:
        """The generator kept its timetable in every run."""
        return all(run.summary.is_valid for run in self.runs)


async def run_bench(plan: Plan, progress: Progress) -> Findings:
    """Raises LoadTestError where the server answers nothing at all."""
    mix = load_mix(plan.mix)
    async with http_client(plan.url, plan.timeout_s, read_key(plan.key_file)) as client:
        server = await describe_server(client)
        await warm_up(client, mix, plan, progress)
        capacity = None
        if needs_capacity(plan.rates):
            found = await closed(client, mix, plan, plan.requests, "capacity", progress)
            capacity = found.images_per_s
        runs = await curve(client, mix, plan, capacity, progress)
        total = len(with_reference(mix)) * plan.pair_requests * plan.passes
        with progress.phase("pairs", total) as advance:
            passes = await run_pairs(client, mix, plan.pair_requests, plan.in_flight, plan.passes, advance)
    return Findings(capacity, runs, points_of(passes), server)


async def warm_up(client: httpx.AsyncClient, mix: Mix, plan: Plan, progress: Progress) -> None:
    """Ended before anything is measured. Raises LoadTestError when no request of it gives an image."""
    found = await closed(client, mix, plan, plan.warm_up, "warm-up", progress)
    if found.images_per_s == 0:
        said = found.outcomes[0].reply
        raise LoadTestError(f"{plan.url} gives no image: {said.status or 'no answer'} {said.error}")


async def closed(
    client: httpx.AsyncClient, mix: Mix, plan: Plan, count: int, name: str, progress: Progress
) -> Pass:
    """A closed loop over the mix."""
    with progress.phase(name, count) as advance:
        return await closed_loop(client, mixed_orders(mix, count, UNMEASURED), plan.in_flight, advance)


async def curve(
    client: httpx.AsyncClient, mix: Mix, plan: Plan, capacity: float | None, progress: Progress
) -> list[Run]:
    """Every rate under every seed."""
    runs = []
    for rate in plan.rates:
        per_s = rate.per_s(capacity)
        count = max(plan.requests, math.ceil(per_s * plan.seconds))
        for seed in range(plan.seeds):
            with progress.phase(f"{per_s:.3g}/s, seed {seed}", count) as advance:
                outcomes = await open_loop(client, timed_orders(mix, count, per_s, seed), advance)
            runs.append(Run(summarise(outcomes, per_s, seed, plan.slo_s), outcomes))
    return runs
