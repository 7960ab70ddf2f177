"""A Redis that dies, sleeps or is not there: what it had on disk is done, and what it lost is said."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis as redis_py

from tests.cluster.processes import Cluster, cluster, until
from tests.faults.case import case
from tests.faults.history import LOST
from tests.faults.nano_images import NANO, NanoImages
from tests.faults.run import Run
from tests.redis_server import RedisServer, redis_server


@case()
def test_redis_is_killed_and_started_again(undisturbed: NanoImages) -> None:
    with redis_server(appendfsync="always") as redis, cluster(redis.url) as processes:
        nothing_is_lost(redis, processes, undisturbed)
    with redis_server(appendfsync="everysec") as redis, cluster(redis.url) as processes:
        what_is_lost_is_said(redis, processes)


def nothing_is_lost(redis: RedisServer, processes: Cluster, undisturbed: NanoImages) -> None:
    """With appendfsync always: acknowledged means on disk."""
    _, client = processes.api()
    with client:
        processes.real_workers(1)
        run = Run(client, redis.url)
        run.until_ready()
        jobs = run.submit_many(12, **NANO)
        run.until_running(jobs[:4])
        redis.kill()
        until(lambda: client.get("/readyz").status_code == 503)
        redis.start()
        run.until_ready()
        assert run.ends(jobs) == ["finished"] * 12
        undisturbed.assert_same([run.image_of(job_id) for job_id in jobs])
        run.check()


def what_is_lost_is_said(redis: RedisServer, processes: Cluster) -> None:
    """With everysec a machine that loses its power loses up to 2 s: here the file's tail is cut off by hand.

    A process that is killed alone has its writes in the kernel, and would lose nothing.
    """
    _, client = processes.api()
    with client, ThreadPoolExecutor(3) as clients:
        processes.worker("slow-step:step_s=0.1", "--max-batch", "2")
        run = Run(client, redis.url)
        run.until_ready()
        early = run.submit_many(4)
        kept_bytes = settled_size(redis)
        late = run.submit_many(3, prompt="too late")
        waiting = run.ask_aside(clients, range(3))
        until(lambda: run.images_in_queue() == 10)
        redis.kill()
        redis.cut_log(kept_bytes)
        redis.start()
        answers = [each.result() for each in waiting]
        assert [answer.status_code for answer in answers] == [500] * 3
        assert {answer.json()["error"]["code"] for answer in answers} == {"job_lost"}
        assert {answer.headers["x-should-retry"] for answer in answers} == {"true"}
        run.until_ready()
        assert [client.get(f"/v1/jobs/{job_id}").status_code for job_id in late] == [404] * 3
        for job_id in late:
            run.history.end(job_id, LOST)
        assert run.ends(early) == ["finished"] * 4
        run.check(may_lose=True)


def settled_size(redis: RedisServer) -> int:
    """The log's size, once all that is acknowledged is in the file: Redis may hold it back during a sync."""
    with redis_py.Redis.from_url(redis.url) as asking:
        until(lambda: asking.info("persistence")["aof_buffer_length"] == 0)
    return redis.log_size()


@case()
def test_redis_is_down_at_the_start(redis: RedisServer, processes: Cluster) -> None:
    redis.kill()
    _, client = processes.api()
    worker = processes.worker()
    with client:
        run = Run(client, redis.url)
        assert client.get("/readyz").status_code == 503
        refused = run.ask(1)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "Redis" in refused.json()["error"]["message"]
        redis.start()
        run.until_ready()
        assert run.ends(run.submit_many(4)) == ["finished"] * 4
        assert not worker.has_ended
        run.check()


@case()
def test_redis_is_paused_for_20_seconds(redis: RedisServer, processes: Cluster) -> None:
    _, client = processes.api()
    with client, ThreadPoolExecutor(2) as clients:
        worker = processes.worker("slow-step:step_s=0.1")
        run = Run(client, redis.url)
        run.until_ready()
        waiting = run.ask_aside(clients, range(2))
        jobs = run.submit_many(4)
        run.until_running(jobs)
        redis.freeze()
        paused_s = time.monotonic()
        with redis_py.Redis.from_url(redis.url, socket_timeout=1) as asking, pytest.raises(redis_py.TimeoutError):
            asking.ping()
        until(lambda: client.get("/readyz").status_code == 503)
        refused = run.ask(9)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert not any(each.done() for each in waiting), "who waits goes on waiting"
        time.sleep(max(0.0, paused_s + 20 - time.monotonic()))
        redis.thaw()
        assert [each.result().status_code for each in waiting] == [200] * 2
        assert run.ends(jobs) == ["finished"] * 4
        run.until_ready()
        assert not worker.has_ended
        run.check()


@case(short=True)
def test_redis_forgets_everything(redis: RedisServer, processes: Cluster) -> None:
    _, client = processes.api()
    with client, ThreadPoolExecutor(6) as clients, redis_py.Redis.from_url(redis.url) as asking:
        worker = processes.worker("slow-step:step_s=0.1", "--max-batch", "2")
        run = Run(client, redis.url)
        run.until_ready()
        waiting = run.ask_aside(clients, range(6))
        until(lambda: run.images_in_queue() == 6)
        assert asking.dbsize() > 6
        asking.flushall()
        flushed_s = time.monotonic()
        for each in waiting:
            answer = each.result()
            assert (answer.status_code, answer.headers["x-should-retry"]) == (500, "true")
            assert answer.json()["error"]["code"] == "job_lost"
        assert time.monotonic() - flushed_s < 5
        run.until_ready()
        assert run.ends(run.submit_many(4)) == ["finished"] * 4
        assert not worker.has_ended
        run.check(may_lose=True)
