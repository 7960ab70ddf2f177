"""Many streams of one event a second each: whether every event arrives once and in order, and how late."""

import asyncio
import math
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import httpx

from server.bench.streams.servers import client_on_its_own_cpu
from server.bench.streams.watcher import watch
from server.engine.metronome import moment_of

AT_ONCE = 16
"""Submits at a time."""


@dataclass(frozen=True)
class Load:
    """Jobs of so many steps, a second each. What was told before a stream opens is told at once then: delays count
    from ``settle_s`` after the last one is open.
    """

    streams: int = 500
    steps: int = 40
    settle_s: float = 3.0


@dataclass(frozen=True)
class ManyStreams:
    """``astray`` are streams that missed, repeated or mixed up an event; delays are in milliseconds."""

    streams: int
    events: int
    astray: int
    p50_ms: float
    p99_ms: float
    most_ms: float


@dataclass(frozen=True)
class Told:
    """The steps of one job as they came, and when."""

    seed: int
    steps: list[int]
    at_s: list[float]


def measure_many(start: Callable[[], AbstractContextManager[str]], load: Load) -> ManyStreams:
    """Against the server that ``start`` starts."""
    with client_on_its_own_cpu(), start() as address:
        told, since_s = asyncio.run(follow_all(address, load))
    late = sorted(1000 * late_s for each in told for late_s in delays(each, since_s))
    astray = sum(each.steps != list(range(1, load.steps + 1)) for each in told)
    cut = statistics.quantiles(late, n=100, method="inclusive")
    return ManyStreams(
        len(told), sum(len(each.steps) for each in told), astray, statistics.median(late), cut[98], late[-1]
    )


async def follow_all(address: str, load: Load) -> tuple[list[Told], float]:
    """Submit the jobs, follow all of them to their ends; and from when on all streams were open and settled."""
    opened: list[float] = []

    async def follow(job_id: str, seed: int) -> Told:
        told = Told(seed, [], [])
        async for heard in watch(address, f"/v1/jobs/{job_id}/events"):
            if not told.steps:
                opened.append(time.monotonic())
            if heard.data["type"] == "job.step":
                told.steps.append(heard.data["step"])
                told.at_s.append(heard.at_s)
        return told

    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        ids = await asyncio.gather(*(submit(client, seed, load.steps) for seed in range(load.streams)))
    told = await asyncio.gather(*(follow(job_id, seed) for seed, job_id in enumerate(ids)))
    return told, max(opened) + load.settle_s


async def submit(client: httpx.AsyncClient, seed: int, steps: int) -> str:
    """The id of a new job."""
    body = {"prompt": "a star", "size": "64x64", "num_inference_steps": steps, "seed": seed, "cache": "off"}
    response = await client.post("/v1/jobs", json=body)
    response.raise_for_status()
    job_id: str = response.json()["id"]
    return job_id


def delays(told: Told, since_s: float) -> Sequence[float]:
    """Seconds from each step's moment to its event, of the steps from ``since_s`` on.

    Step k is taken k seconds after a moment of the sample's own, the latest that lies before all that was heard.
    """
    moment = moment_of(told.seed)
    earliest_s = min(at_s - step for step, at_s in zip(told.steps, told.at_s, strict=True))
    zero_s = math.floor(earliest_s - moment) + moment
    taken = ((zero_s + step, at_s) for step, at_s in zip(told.steps, told.at_s, strict=True))
    return [at_s - taken_s for taken_s, at_s in taken if taken_s >= since_s]
