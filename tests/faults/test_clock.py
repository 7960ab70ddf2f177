"""A worker whose clock is wrong: time that matters is Redis'."""

import time
from email.utils import parsedate_to_datetime

import pytest

from tests.cluster.processes import Cluster, ServerProcess
from tests.faults.case import case
from tests.faults.run import Run
from tests.jobs.redis_process import faketime
from tests.redis_server import RedisServer

HOUR_S = 3600


@case()
def test_a_worker_s_clock_is_an_hour_off(redis: RedisServer, processes: Cluster) -> None:
    _, client = processes.api()
    with client:
        for sign in (1, -1):
            worker = processes.worker(
                "slow-step:step_s=0.1",
                LD_PRELOAD=str(faketime()),
                FAKETIME=f"{sign * HOUR_S:+d}",
                FAKETIME_DONT_FAKE_MONOTONIC="1",
            )
            assert clock_ahead_s(worker) == pytest.approx(sign * HOUR_S, abs=60)
        run = Run(client, redis.url)
        run.until_ready()
        jobs = [run.submit(seed, deadline_ms=100_000) for seed in range(16)]
        assert run.ends(jobs) == ["finished"] * 16, "none expired"
        assert run.attempts(jobs) == [1] * 16, "no lease ended"
        for job_id in jobs:
            said = client.get(f"/v1/jobs/{job_id}").json()
            assert said["submitted_at"] <= said["started_at"] <= said["ended_at"] < said["submitted_at"] + 100
        run.check()


def clock_ahead_s(worker: ServerProcess) -> float:
    """By the date that it writes into its answers."""
    date = worker.get("/livez").headers["date"]
    return parsedate_to_datetime(date).timestamp() - time.time()
