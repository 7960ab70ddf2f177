"""A job's end is told although the API process that took the job is no more, by whichever process there is."""

import asyncio
import base64
import json
import signal
from collections.abc import Callable

import httpx
import pytest

from server.api.telling import make_rounds
from server.jobs.bull.queue import RedisQueue
from server.redis_link import open_redis, read_address
from server.webhooks.outbox_redis import PREFIX, RedisOutbox
from tests.api.parts import api_parts
from tests.cluster.processes import ServerProcess, cluster, until, until_ready
from tests.redis_server import RedisServer
from tests.webhooks.receiver import Receiver

HOOK = "https://hooks.example/done"
WEBHOOKS = {
    "H2SERVE_WEBHOOK_ORIGINS": "https://hooks.example",
    "H2SERVE_WEBHOOK_SECRET": "whsec_" + base64.b64encode(b"k" * 32).decode(),
    "H2SERVE_PUBLIC_URL": "https://images.example",
}
"""The processes find nobody under this name, so that they try again and again."""


def submit(client: httpx.Client) -> str:
    body = {"prompt": "a star", "num_inference_steps": 20, "cache": "off", "size": "64x64", "webhook_url": HOOK}
    response = client.post("/v1/jobs", json=body)
    assert response.status_code == 202, response.text
    job_id: str = response.json()["id"]
    return job_id


async def told_by_another(redis: RedisServer, receiver: Receiver) -> None:
    """One more API process, whose network is the test's own, until it has told something and nothing is left."""
    address = read_address(redis.url)
    queue = RedisQueue(address, str)
    async with open_redis(address, 1) as client:
        webhooks = receiver.webhooks(RedisOutbox(client, 3.0))
        parts = api_parts(queue, webhooks=webhooks)
        parts.background.start(make_rounds(parts, webhooks))
        async with asyncio.timeout(60):
            while not receiver.requests or await client.exists(f"{PREFIX}held"):
                await asyncio.sleep(0.05)
        await parts.background.close()
        await queue.close()


def kill(api: ServerProcess) -> None:
    api.kill()


def stop(api: ServerProcess) -> None:
    api.signal(signal.SIGTERM)
    assert api.wait() == 0


@pytest.mark.parametrize(("end", "has_ended"), [(kill, True), (stop, False)], ids=["killed", "stopped"])
def test_what_a_process_has_not_told_yet_another_tells(
    redis: RedisServer, end: Callable[[ServerProcess], None], has_ended: bool
) -> None:
    receiver = Receiver()
    with cluster(redis.url, None, **WEBHOOKS) as processes:
        api, client = processes.api()
        processes.worker("slow-step:step_s=0.05")
        with client:
            until_ready(client)
            job_id = submit(client)
            if has_ended:
                until(lambda: f"webhook of job {job_id} was not taken" in api.text)
            end(api)
        asyncio.run(told_by_another(redis, receiver))
    (request,) = receiver.requests
    said = json.loads(request.content)
    assert (said["type"], said["data"]["id"]) == ("job.finished", job_id)
    assert request.headers["webhook-id"] == job_id
