"""API and workers as processes of their own, with fake engines: who dies, hangs or leaves costs no image."""

import base64
import hashlib
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import redis as redis_py

from tests.cluster.processes import Cluster, cluster, until, until_ready
from tests.redis_server import RedisServer, redis_server

IMAGES = "/v1/images/generations"


def ask(client: httpx.Client, seed: int, prompt: str = "a star", **body: Any) -> httpx.Response:
    wanted = {"prompt": prompt, "seed": seed, "num_inference_steps": 20, "cache": "off", "size": "64x64", **body}
    return client.post(IMAGES, json=wanted)


def sha_of(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    return hashlib.sha256(base64.b64decode(response.json()["data"][0]["b64_json"])).hexdigest()


def ask_many(client: httpx.Client, seeds: range, **body: Any) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(seeds)) as clients:
        return list(clients.map(lambda seed: ask(client, seed, **body), seeds))


def running(client: httpx.Client) -> float:
    """Images under way, as the metrics say."""
    for line in client.get("/metrics").text.splitlines():
        if line.startswith("h2serve_queue_images_running "):
            return float(line.split()[1])
    return 0.0


def test_a_request_goes_through_redis_to_a_worker_and_back(processes: Cluster) -> None:
    api, client = processes.api()
    with client:
        unready = client.get("/readyz")
        assert (unready.status_code, unready.headers["retry-after"]) == (503, "5")
        with ThreadPoolExecutor(1) as clients:
            early = clients.submit(ask, client, 1)
            worker = processes.worker()
            assert early.result().status_code == 200, "it waited for the worker"
        until_ready(client)
        answer = ask(client, 5, n=2).json()
        assert [image["seed"] for image in answer["data"]] == [5, 6]
        assert sha_of(ask(client, 7)) == sha_of(ask(client, 7))
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
        until(lambda: client.get("/readyz").status_code == 503)
        api.signal(signal.SIGTERM)
        assert api.wait() == 0


def test_two_identical_workers_start_and_each_has_a_port_of_its_own(processes: Cluster) -> None:
    workers = [processes.worker(), processes.worker()]
    assert len({worker.port_address for worker in workers}) == 2
    for worker in workers:
        assert worker.get("/livez").status_code == 200
        assert worker.get("/readyz").status_code == 200
        assert "h2serve_batch_limit 8.0" in worker.get("/metrics").text


def test_a_worker_that_is_killed_mid_job_costs_nobody_an_image(processes: Cluster) -> None:
    _, client = processes.api()
    with client:
        victim = processes.worker()
        until_ready(client)
        undisturbed = [sha_of(response) for response in ask_many(client, range(12))]
        processes.worker()
        with ThreadPoolExecutor(1) as asking:
            answers = asking.submit(ask_many, client, range(12))
            until(lambda: running(client) >= 8)
            victim.kill()
            assert [sha_of(response) for response in answers.result()] == undisturbed


def test_a_worker_that_is_told_to_leave_hands_its_jobs_over(redis: RedisServer, processes: Cluster) -> None:
    _, client = processes.api()
    with client:
        leaving = processes.worker("slow-step:step_s=0.2")
        until_ready(client)
        with ThreadPoolExecutor(1) as asking:
            answers = asking.submit(ask_many, client, range(4), num_inference_steps=50)
            until(lambda: running(client) == 4)
            leaving.signal(signal.SIGTERM)
            processes.worker()
            leaving.signal(signal.SIGTERM)
            assert leaving.wait() == 0
            assert all(response.status_code == 200 for response in answers.result())


def test_a_job_goes_on_from_its_checkpoint_at_another_worker(redis: RedisServer, processes: Cluster) -> None:
    _, client = processes.api()
    with client, redis_py.Redis.from_url(redis.url) as looking:
        victim = processes.worker("slow-step:step_s=0.2")
        until_ready(client)
        with ThreadPoolExecutor(1) as asking:
            answer = asking.submit(ask, client, 3, num_inference_steps=50)
            until(lambda: bool(looking.keys("*/checkpoint/*")))
            time.sleep(0.5)  # until the queue has been told of it too
            victim.kill()
            heir = processes.worker()
            assert answer.result().status_code == 200
        assert 'h2serve_resumes_total{kind="full"} 1.0' in heir.get("/metrics").text
        until(lambda: not looking.keys("*/checkpoint/*"))


def test_an_engine_that_hangs_loses_its_job_and_ends_its_worker(redis: RedisServer) -> None:
    with cluster(redis.url, H2SERVE_STALLED_AFTER_S="4") as processes:
        _, client = processes.api()
        with client:
            hung = processes.worker("hangs-on-step:step_s=0.02")
            until_ready(client)
            with ThreadPoolExecutor(1) as asking:
                answer = asking.submit(ask, client, 3, "a poison star")
                until(lambda: hung.get("/livez").status_code == 503)
                assert not hung.has_ended, "it may still wake up"
                assert hung.wait() == 1
                assert hung.text.splitlines()[-1] == "h2serve: the engine hangs: its loop has not turned for 8 s"
                processes.worker()
                assert answer.result().status_code == 200


def test_a_lost_device_ends_its_worker_and_others_do_the_work(processes: Cluster) -> None:
    _, client = processes.api()
    with client:
        broken = processes.worker("loses-device:step_s=0.02")
        until_ready(client)
        with ThreadPoolExecutor(2) as asking:
            mate = asking.submit(ask, client, 1)
            poison = asking.submit(ask, client, 2, "a poison star")
            assert broken.wait() == 1
            assert "h2serve: the device is lost" in broken.text
            processes.worker()
            assert [future.result().status_code for future in (mate, poison)] == [200, 200]


def test_an_api_that_stops_answers_who_waits_and_cancels_nothing(processes: Cluster) -> None:
    api, client = processes.api()
    with client:
        processes.worker("slow-step:step_s=1")
        until_ready(client)
        with ThreadPoolExecutor(1) as asking:
            answer = asking.submit(ask, client, 3, num_inference_steps=50)
            until(lambda: running(client) == 1)
            api.signal(signal.SIGTERM)
            response = answer.result()
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        assert len(response.headers["x-job-id"]) == 32
        assert api.wait() == 0
    _, other = processes.api()
    with other:
        until_ready(other)
        assert running(other) == 1


def test_the_api_waits_for_a_redis_that_is_not_there_and_recovers_when_it_goes() -> None:
    with redis_server() as server:
        server.kill()
        with cluster(server.url, H2SERVE_READY_WITHOUT_WORKERS="true") as processes:
            _, client = processes.api()
            worker = processes.worker()
            with client:
                refused = ask(client, 1)
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
                for _ in range(2):
                    server.start()
                    until_ready(client)
                    assert ask(client, 1).status_code == 200
                    server.kill()
                    until(lambda: client.get("/readyz").status_code == 503)
            assert not worker.has_ended


@pytest.mark.parametrize(
    ("command", "url", "words"),
    [
        ("api", "http://:secret@host", "scheme 'http'"),
        ("worker", "redis://:secret@host:port", "cannot be read"),
        ("api", "redis://:secret@127.0.0.1:{port}", "refuses the password"),
        ("worker", "redis://:secret@127.0.0.1:{port}", "refuses the password"),
    ],
)
def test_a_wrong_address_or_password_is_one_line_and_exit_code_2(command: str, url: str, words: str) -> None:
    with redis_server(requirepass="another") as server, cluster(url.format(port=server.port)) as processes:
        flags = ("--port", "0") if command == "api" else ("--engine", "instant")
        process = processes.start(command, *flags)
        assert process.wait() == 2
        (line,) = process.text.strip().splitlines()
        assert line.startswith("h2serve: ") and words in line and "secret" not in line


def test_forty_waiting_requests_share_sixteen_connections(redis: RedisServer, processes: Cluster) -> None:
    _, client = processes.api("--max-queue", "100")
    with client, redis_py.Redis.from_url(redis.url) as looking:
        worker = processes.worker("slow-step:step_s=0.05")
        until_ready(client)
        most, stop = 0, threading.Event()

        def watch() -> None:
            nonlocal most
            while not stop.wait(0.05):
                most = max(most, len(looking.client_list()) - 1)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            assert all(response.status_code == 200 for response in ask_many(client, range(40)))
        finally:
            stop.set()
            watching.join()
        assert 0 < most <= 2 * 16, "the API's and the worker's"
        assert not worker.has_ended
