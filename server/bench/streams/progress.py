"""What progress events and previews cost, and how soon the first of them comes, with flux-nano on one thread."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from server.bench.streams.asker import PARTIALS, Answered, Asker
from server.bench.streams.servers import Started, client_on_its_own_cpu, real_server

IMAGES, PASSES, ALONE = 8, 27, 10
"""So many passes, since one pair's ratio strays by 5 %."""
Ask = Callable[[int], Awaitable[Answered]]


@dataclass(frozen=True)
class Pass:
    """Seconds that so many images at once took, by the clock and of the server's CPU time."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Turn:
    """A pass of each kind, one after the other: without events, with them, and with previews."""

    plain: Pass
    events: Pass
    partials: Pass


@dataclass(frozen=True)
class ProgressCost:
    """Medians. A ratio is the throughput with events over that without, by the clock and by the server's CPU time;
    other programs on the machine change the latter less.
    """

    wall_ratio: float
    cpu_ratio: float
    events_per_image: float
    first_event_ms: float
    first_partial_ms: float
    whole_ms: float
    a_partial_ms: float


def measure_progress() -> ProgressCost:
    """Passes of all kinds take turns, so that a machine that slows down slows all."""
    with client_on_its_own_cpu(), real_server() as server:
        return asyncio.run(measured(server))


async def measured(server: Started) -> ProgressCost:
    """The turns, then single requests on an idle server."""
    async with httpx.AsyncClient(base_url=server.said, timeout=600) as client:
        asker = Asker(client)
        kinds = (asker.at_once, asker.with_events, asker.with_partials)
        for ask in kinds:
            await ask(0)
        asker.heard = 0
        turns = [Turn(*[await one_pass(server, ask, IMAGES * turn) for ask in kinds]) for turn in range(PASSES)]
        events_per_image = asker.heard / (PASSES * IMAGES)
        jobs = [await asker.with_events(seed) for seed in range(ALONE)]
        streams = [await asker.with_partials(seed) for seed in range(ALONE)]
    return cost_of(turns, events_per_image, jobs, streams)


async def one_pass(server: Started, ask: Ask, first_seed: int) -> Pass:
    """All images of a pass are asked for at once."""
    began_s, cpu_s = time.monotonic(), server.cpu_s()
    await asyncio.gather(*(ask(first_seed + number) for number in range(IMAGES)))
    return Pass(time.monotonic() - began_s, server.cpu_s() - cpu_s)


def cost_of(
    turns: Sequence[Turn], events_per_image: float, jobs: Sequence[Answered], streams: Sequence[Answered]
) -> ProgressCost:
    """The medians over the turns, and over the jobs and streams of which each was alone on the server."""
    return ProgressCost(
        statistics.median(turn.plain.wall_s / turn.events.wall_s for turn in turns),
        statistics.median(turn.plain.cpu_s / turn.events.cpu_s for turn in turns),
        events_per_image,
        1000 * statistics.median(job.first_s for job in jobs),
        1000 * statistics.median(stream.first_s for stream in streams),
        1000 * statistics.median(stream.whole_s for stream in streams),
        1000 * statistics.median(turn.partials.cpu_s - turn.plain.cpu_s for turn in turns) / (IMAGES * PARTIALS),
    )
