"""Processes that die: every acknowledged job has one end, and nothing of it is left in Redis."""

import base64
import hashlib
import signal
import time
from collections.abc import Iterator

import httpx
import pytest
import redis as redis_py

from tests.cluster.processes import Cluster, cluster, until, until_ready
from tests.faults.history import History, faults_of
from tests.redis_server import RedisServer, redis_server

ENDS = ("finished", "failed", "cancelled", "expired", "dead")


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def processes(redis: RedisServer) -> Iterator[Cluster]:
    with cluster(redis.url) as started:
        yield started


def submit(client: httpx.Client, history: History, prompt: str, seed: int) -> str:
    body = {"prompt": prompt, "seed": seed, "num_inference_steps": 40, "cache": "off", "size": "64x64"}
    response = client.post("/v1/images/generations", json=body, headers={"Prefer": "respond-async"})
    assert response.status_code == 202, response.text
    job_id = str(response.json()["id"])
    history.submit(job_id)
    history.acknowledge(job_id)
    return job_id


def state_of(client: httpx.Client, job_id: str) -> str:
    return str(client.get(f"/v1/jobs/{job_id}").json()["state"])


def note_end(client: httpx.Client, history: History, job_id: str) -> str:
    until(lambda: state_of(client, job_id) in ENDS)
    state = state_of(client, job_id)
    if state != "finished":
        history.end(job_id, state)
        return state
    (image,) = client.get(f"/v1/jobs/{job_id}/result").json()["data"]
    history.end(job_id, state, hashlib.sha256(base64.b64decode(image["b64_json"])).hexdigest())
    return state


def check(history: History, client: httpx.Client, redis: RedisServer) -> None:
    """Look for what is left until the last clean-up has been done, for 5 s at most."""
    with redis_py.Redis.from_url(redis.url) as looking:
        until_s = time.monotonic() + 5
        while wrong := faults_of(history, images_in_queue(client), [key.decode() for key in looking.scan_iter()]):
            assert time.monotonic() < until_s, wrong
            time.sleep(0.1)


def images_in_queue(client: httpx.Client) -> int:
    names = ("h2serve_queue_images_running ", "h2serve_queue_images_waiting ")
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(names)]
    assert len(lines) == len(names)
    return sum(int(float(line.split()[1])) for line in lines)


def attempts(client: httpx.Client, jobs: list[str]) -> list[int]:
    return [int(client.get(f"/v1/jobs/{job_id}").json()["attempt"]) for job_id in jobs]


def all_run(client: httpx.Client, jobs: list[str]) -> bool:
    return all(state_of(client, job_id) == "running" for job_id in jobs)


def test_a_worker_is_killed_mid_job(redis: RedisServer, processes: Cluster) -> None:
    history = History()
    _, client = processes.api()
    with client:
        victim = processes.worker("slow-step:step_s=0.1")
        until_ready(client)
        jobs = [submit(client, history, "a star", seed) for seed in range(4)]
        until(lambda: all_run(client, jobs))
        victim.kill()
        processes.worker()
        assert [note_end(client, history, job_id) for job_id in jobs] == ["finished"] * 4
        assert attempts(client, jobs) == [2] * 4, "the victim held them all"
        check(history, client, redis)


def test_both_workers_are_killed_at_once(redis: RedisServer, processes: Cluster) -> None:
    history = History()
    _, client = processes.api()
    with client:
        victims = [processes.worker("slow-step:step_s=0.1") for _ in range(2)]
        until_ready(client)
        jobs = [submit(client, history, "a star", seed) for seed in range(12)]
        until(lambda: all_run(client, jobs))
        for victim in victims:
            victim.kill()
        processes.worker()
        assert [note_end(client, history, job_id) for job_id in jobs] == ["finished"] * 12
        assert attempts(client, jobs) == [2] * 12, "the victims held them all"
        check(history, client, redis)


def test_a_worker_that_slept_past_its_lease_is_not_heard(redis: RedisServer, processes: Cluster) -> None:
    history = History()
    _, client = processes.api()
    with client:
        zombie = processes.worker("slow-step:step_s=0.1")
        until_ready(client)
        jobs = [submit(client, history, "a star", seed) for seed in range(4)]
        until(lambda: all_run(client, jobs))
        zombie.signal(signal.SIGSTOP)
        processes.worker()
        assert [note_end(client, history, job_id) for job_id in jobs] == ["finished"] * 4
        assert attempts(client, jobs) == [2] * 4, "the sleeper held them all"
        zombie.signal(signal.SIGCONT)
        time.sleep(5)  # longer than what it still had to do
        assert not zombie.has_ended
        for job_id in jobs:
            note_end(client, history, job_id)
        check(history, client, redis)


def test_a_poison_job_ends_dead_and_its_batch_mates_finish(redis: RedisServer, processes: Cluster) -> None:
    history = History()
    _, client = processes.api()
    with client:
        workers = [processes.worker("dies-mid-step:step_s=0.1")]
        until_ready(client)
        poison = submit(client, history, "a poison star", 0)
        mates = [submit(client, history, "a star", seed) for seed in range(7)]
        while state_of(client, poison) != "dead":
            until(lambda: workers[-1].has_ended or state_of(client, poison) == "dead")
            assert len(workers) < 6
            workers.append(processes.worker("dies-mid-step:step_s=0.1"))
        assert sum(worker.has_ended for worker in workers) == 3, "it has killed three"
        assert [note_end(client, history, job_id) for job_id in mates] == ["finished"] * 7
        assert note_end(client, history, poison) == "dead"
        check(history, client, redis)


def test_the_api_is_killed_and_its_jobs_live_on(redis: RedisServer, processes: Cluster) -> None:
    history = History()
    api, client = processes.api()
    with client:
        processes.worker("slow-step:step_s=0.1")
        until_ready(client)
        jobs = [submit(client, history, "a star", seed) for seed in range(4)]
        until(lambda: all_run(client, jobs))
        api.kill()
    _, other = processes.api()
    with other:
        until_ready(other)
        assert [note_end(other, history, job_id) for job_id in jobs] == ["finished"] * 4
        assert attempts(other, jobs) == [1] * 4
        check(history, other, redis)


def test_redis_is_killed_and_loses_nothing_that_it_wrote_to_disk() -> None:
    history = History()
    with redis_server(appendfsync="always") as redis, cluster(redis.url) as processes:
        _, client = processes.api()
        with client:
            processes.worker("slow-step:step_s=0.1")
            until_ready(client)
            jobs = [submit(client, history, "a star", seed) for seed in range(12)]
            until(lambda: all_run(client, jobs[:4]))
            redis.kill()
            until(lambda: client.get("/readyz").status_code == 503)
            redis.start()
            until_ready(client)
            assert [note_end(client, history, job_id) for job_id in jobs] == ["finished"] * 12
            check(history, client, redis)
