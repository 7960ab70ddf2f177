"""Two thousand submits at once: what has no room is refused at once, and memory stays flat."""

import asyncio
import json
import resource
from collections import Counter
from dataclasses import dataclass
from typing import Any

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
            processes.worker("slow-step:step_s=0.05")
            run = Run(client, redis.url)
            run.until_ready()
            assert run.ends(run.submit_many(8)) == ["finished"] * 8, "everything has been loaded"
            before = psutil.Process(api.pid).memory_info().rss
            answers = asyncio.run(flood(client.base_url.port or 0))
            statuses = Counter(answer.status for answer in answers)
            assert statuses[202] + statuses[429] == FLOOD, statuses
            assert statuses[202] >= MOST_WAITING and statuses[429] > 0
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status == 429)
            assert psutil.Process(api.pid).memory_info().rss - before < MOST_GROWTH_BYTES
            accepted = [answer.body["id"] for answer in answers if answer.status == 202]
            for job_id in accepted:
                run.history.submit(job_id)
                run.history.acknowledge(job_id)
            assert set(run.ends(accepted)) == {"finished"}
            run.check()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@dataclass(frozen=True)
class Answer:
    """Of one submit."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


async def flood(port: int) -> list[Answer]:
    """Each over a connection of its own, all of them at the same time."""
    return await asyncio.gather(*[submit(port, seed) for seed in range(FLOOD)])


async def submit(port: int, seed: int) -> Answer:
    """Bytes written at once: a client of more comfort takes longer to send 2,000 heads than a server waits."""
    body = json.dumps(body_of(seed, PADDING, {"num_inference_steps": 10})).encode()
    fields = ["host: 127.0.0.1", "prefer: respond-async", "connection: close", "content-type: application/json"]
    head = "\r\n".join([f"POST {IMAGES} HTTP/1.1", *fields, f"content-length: {len(body)}", "", ""])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + body)
    said = await reader.read()
    writer.close()
    top, _, content = said.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return Answer(int(status.split()[1]), headers, json.loads(content))
