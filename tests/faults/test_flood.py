"""Two thousand submits at once: what has no room is refused at once, and memory stays flat."""

import asyncio
import resource
from collections import Counter

import httpx
import psutil

from tests.cluster.processes import Cluster
from tests.faults.case import case
from tests.faults.run import IMAGES, Run, body_of
from tests.redis_server import RedisServer

FLOOD, MOST_WAITING = 2000, 128
FILES = 3 * FLOOD
MOST_GROWTH_BYTES = 128 * 2**20
"""Two thousand open connections hold less than half of it; their payloads, kept, would hold more."""
PADDING = "star " * 700


@case()
def test_two_thousand_submits_at_once(redis: RedisServer, processes: Cluster) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, limits[1]), limits[1]))  # the API inherits it
    try:
        api, client = processes.api()
        with client:
            processes.worker()
            run = Run(client, redis.url)
            run.until_ready()
            assert run.ends(run.submit_many(8)) == ["finished"] * 8, "everything has been loaded"
            before = psutil.Process(api.pid).memory_info().rss
            answers = asyncio.run(flood(str(client.base_url)))
            statuses = Counter(answer.status_code for answer in answers)
            assert statuses[202] + statuses[429] == FLOOD, statuses
            assert statuses[202] >= MOST_WAITING and statuses[429] > 0
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)
            assert psutil.Process(api.pid).memory_info().rss - before < MOST_GROWTH_BYTES
            accepted = [answer.json()["id"] for answer in answers if answer.status_code == 202]
            for job_id in accepted:
                run.history.submit(job_id)
                run.history.acknowledge(job_id)
            assert set(run.ends(accepted)) == {"finished"}
            run.check()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def flood(address: str) -> list[httpx.Response]:
    """Each over a connection of its own, all of them at the same time."""
    open_ended = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=open_ended) as client:

        async def submit(seed: int) -> httpx.Response:
            body = body_of(seed, PADDING, {"num_inference_steps": 10})
            return await client.post(IMAGES, json=body, headers={"Prefer": "respond-async"})

        return await asyncio.gather(*[submit(seed) for seed in range(FLOOD)])
