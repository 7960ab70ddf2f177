"""API processes that die or restart: jobs live on, and clients that come back find them."""

import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.cluster.processes import Cluster, until
from tests.faults.case import case
from tests.faults.nano_images import NANO, NanoImages
from tests.faults.run import Run, image_in, metric
from tests.redis_server import RedisServer, free_port
from tests.sse import Told, events_in


@case()
def test_the_api_is_killed_and_the_client_that_asks_again_gets_its_image(
    redis: RedisServer, processes: Cluster, undisturbed: NanoImages
) -> None:
    api, client = processes.api()
    (worker,) = processes.real_workers(1)
    with client, ThreadPoolExecutor(4) as clients:
        run = Run(client, redis.url)
        run.until_ready()
        worker.signal(signal.SIGSTOP)  # until all four are there, so that it takes them together
        waiting = [clients.submit(run.ask, seed, key=f"key-{seed}", **NANO) for seed in range(4)]
        until(lambda: run.images_in_queue() == 4)
        worker.signal(signal.SIGCONT)
        until(lambda: metric(client, "h2serve_queue_images_running") == 4)
        api.kill()
        for broken in waiting:
            with pytest.raises(httpx.TransportError):
                broken.result()
    _, other = processes.api()
    with other, ThreadPoolExecutor(4) as clients:
        run.client = other
        run.until_ready()
        answers = list(clients.map(lambda seed: run.ask(seed, key=f"key-{seed}", **NANO), range(4)))
        assert [answer.status_code for answer in answers] == [200] * 4
        ids = [answer.headers["x-job-id"] for answer in answers]
        listed = other.get("/v1/jobs").json()["data"]
        assert {job["id"] for job in listed} == set(ids), "no second job was made"
        assert run.attempts(ids) == [1] * 4
        undisturbed.assert_same([image_in(answer) for answer in answers])
        run.check()


def told_until_the_end(client: httpx.Client, job_id: str, after: str | None = None) -> list[Told]:
    """The events of one connection, whoever ends it."""
    headers = {} if after is None else {"last-event-id": after}
    text = ""
    with client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as stream:
        for piece in stream.iter_text():
            text += piece
    return events_in(text)


@case(short=True)
def test_the_api_restarts_and_its_watchers_go_on_where_they_were(redis: RedisServer, processes: Cluster) -> None:
    port = free_port()
    api, client = processes.api("--port", str(port))
    processes.worker("slow-step:step_s=0.2")
    with client, ThreadPoolExecutor(3) as clients:
        run = Run(client, redis.url)
        run.until_ready()
        jobs = run.submit_many(3)
        watching = [clients.submit(told_until_the_end, client, job_id) for job_id in jobs]
        run.until_running(jobs)
        api.signal(signal.SIGTERM)
        before = [each.result() for each in watching]
        assert api.wait() == 0
        for told in before:
            names = [event.name for event in told]
            assert "job.started" in names and names[-1] == "error", "it was cut off on its way, and was told so"
        processes.api("--port", str(port))
        run.until_ready()
        last = [[event.id for event in told if event.id][-1] for told in before]
        after = list(clients.map(lambda job_id, id_: told_until_the_end(client, job_id, id_), jobs, last))
        for job_id, told, more in zip(jobs, before, after, strict=True):
            assert [*told[:-1], *more] == told_until_the_end(client, job_id), "no event twice, none left out"
            assert more[-1].name == "job.finished" and len(more) > 1
        assert run.ends(jobs) == ["finished"] * 3
        assert run.attempts(jobs) == [1] * 3
        run.check()
