"""What cannot be read in Redis, a payload or an event, harms nothing else."""

import pytest

from server.jobs.bull.queue import BASE, RedisQueue
from server.jobs.event import Ended, JobState
from server.jobs.payload import job_to_json
from tests.jobs.contract.base import (
    DONE,
    MODEL,
    end_of,
    job,
    lease_of,
    log_of,
    put,
    taken,
)
from tests.jobs.redis_process import RedisProcess
from tests.jobs.redis_scenario import run


@pytest.mark.parametrize(
    "payload",
    [
        "{not json",
        "[" * 50_000,
        '{"v":99,"body":{}}',
        '{"v":1,"body":{"id":"secret"}}',
        b"\xff\xfe\x00",
        job_to_json(job("a"))[:-20],
    ],
    ids=["text", "deep", "far", "half", "bytes", "cut"],
)
def test_a_payload_that_no_worker_can_read_is_dead_with_the_reason_and_harms_no_other(
    redis: RedisProcess, payload: str | bytes
) -> None:
    async def scenario(queue: RedisQueue) -> None:
        await put(queue, job("bad"), job("good"))
        await queue._client.hset(f"{BASE}q:{MODEL}:bad", "data", payload)
        assert await taken(queue, 5) == ["good"]
        end = await end_of(queue, "bad")
        assert end.state is JobState.DEAD and end.error is not None and "payload" in end.error
        assert "secret" not in end.error
        assert (await queue.depth()).images_running == 1

    run(redis, scenario)


def test_an_event_that_cannot_be_read_is_passed_over(redis: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        lease = await lease_of(queue)
        for text in ("{", '{"v":2,"kind":"danced","body":{}}', b"\xff"):
            await queue._client.xadd(f"{BASE}ev:a", {"e": text})
        await queue.finish(lease, DONE)
        assert (await log_of(queue, "a"))[-1] == Ended(JobState.FINISHED, result=DONE)

    run(redis, scenario)
