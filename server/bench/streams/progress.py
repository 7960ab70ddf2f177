"""What progress events and previews cost, and how soon the first of them comes, with flux-nano on one thread."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from server.bench.streams.servers import client_on_its_own_cpu, real_server
from server.bench.streams.watcher import watch

IMAGES, IN_FLIGHT, PASSES, ALONE = 16, 8, 7, 10
PARTIALS = 3
BODY = {
    "prompt": "a large red heart at the left on a blue background",
    "num_inference_steps": 20,
    "cache": "balanced",
}
GENERATIONS = "/v1/images/generations"
Make = Callable[[httpx.AsyncClient, int], Awaitable[None]]


@dataclass(frozen=True)
class ProgressCost:
    """Medians. ``events_ratio`` is the throughput with events over that without."""

    events_ratio: float
    events_per_image: float
    first_event_ms: float
    first_partial_ms: float
    whole_ms: float
    a_partial_ms: float


def measure_progress() -> ProgressCost:
    """Passes of all kinds take turns, so that a machine that slows down slows all."""
    with client_on_its_own_cpu(), real_server() as address:
        return asyncio.run(measured(address))


async def measured(address: str) -> ProgressCost:
    """The passes, then single requests on an idle server."""
    heard = 0

    async def at_once(client: httpx.AsyncClient, seed: int) -> None:
        (await client.post(GENERATIONS, json={**BODY, "seed": seed})).raise_for_status()

    async def with_events(client: httpx.AsyncClient, seed: int) -> None:
        nonlocal heard
        job = (await client.post("/v1/jobs", json={**BODY, "seed": seed})).raise_for_status().json()
        async for _ in watch(address, f"/v1/jobs/{job['id']}/events"):
            heard += 1

    async def with_partials(client: httpx.AsyncClient, seed: int) -> None:
        await streamed(client, seed, PARTIALS)

    kinds: dict[str, Make] = {"plain": at_once, "events": with_events, "partials": with_partials}
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    async with httpx.AsyncClient(base_url=address, timeout=600) as client:
        for make in kinds.values():
            await make(client, 0)
        heard = 0
        for turn in range(PASSES):
            for name, make in kinds.items():
                seconds[name].append(await one_pass(client, make, turn * IMAGES))
        firsts = [await first_event(client, address, seed) for seed in range(ALONE)]
        streams = [await streamed(client, seed, PARTIALS) for seed in range(ALONE)]
    plain, events, partials = (seconds[name] for name in kinds)
    more_s = [with_s - without_s for with_s, without_s in zip(partials, plain, strict=True)]
    return ProgressCost(
        statistics.median(without_s / with_s for with_s, without_s in zip(events, plain, strict=True)),
        heard / (PASSES * IMAGES),
        1000 * statistics.median(firsts),
        1000 * statistics.median(first_s for first_s, _ in streams),
        1000 * statistics.median(whole_s for _, whole_s in streams),
        1000 * statistics.median(more_s) / (IMAGES * PARTIALS),
    )


async def one_pass(client: httpx.AsyncClient, make: Make, first_seed: int) -> float:
    """Seconds of so many images with so many in flight."""
    places = asyncio.Semaphore(IN_FLIGHT)

    async def one(seed: int) -> None:
        async with places:
            await make(client, seed)

    began_s = time.perf_counter()
    await asyncio.gather(*(one(first_seed + number) for number in range(IMAGES)))
    return time.perf_counter() - began_s


async def first_event(client: httpx.AsyncClient, address: str, seed: int) -> float:
    """Seconds from the submit to the first event, which a second request asks for."""
    began_s = time.monotonic()
    job: dict[str, Any] = (await client.post("/v1/jobs", json={**BODY, "seed": seed})).raise_for_status().json()
    at_s = [heard.at_s async for heard in watch(address, f"/v1/jobs/{job['id']}/events")]
    return at_s[0] - began_s


async def streamed(client: httpx.AsyncClient, seed: int, partials: int) -> tuple[float, float]:
    """Seconds to the first event of a streamed answer, and to its end."""
    body = {**BODY, "seed": seed, "stream": True, "partial_images": partials}
    began_s = time.perf_counter()
    first_s = 0.0
    async with client.stream("POST", GENERATIONS, json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if line.startswith("data: ") and not first_s:
                first_s = time.perf_counter() - began_s
    return first_s, time.perf_counter() - began_s
