"""A Redis that takes no more: its disk, its memory, or that of the results."""

import resource
from collections.abc import Callable

import redis as redis_py

from tests.cluster.processes import Cluster, cluster, until
from tests.faults.case import case
from tests.faults.run import Run, metric
from tests.redis_server import RedisServer, redis_server

SLOW = "slow-step:step_s=0.1"


def full_and_free_again(
    redis: RedisServer, processes: Cluster, fill: Callable[[], None], free: Callable[[], None]
) -> None:
    """Jobs wait and run, Redis takes no writes for a while: new ones are refused, the old ones are done."""
    _, client = processes.api()
    with client:
        worker = processes.worker(SLOW, "--max-batch", "4")
        run = Run(client, redis.url)
        run.until_ready()
        jobs = run.submit_many(8)
        run.until_running(jobs[:4])
        fill()
        until(lambda: client.get("/readyz").status_code == 503)
        refused = run.ask(9)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "takes no writes" in refused.json()["error"]["message"]
        assert client.get(f"/v1/jobs/{jobs[0]}").status_code == 200, "reading goes on"
        free()
        run.until_ready()
        assert run.ends(jobs) == ["finished"] * 8
        assert not worker.has_ended
        run.check()


@case()
def test_redis_finds_its_disk_full() -> None:
    with redis_server(appendfsync="everysec") as redis, cluster(redis.url) as processes:
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)

        def fill() -> None:
            """No file of the process may grow any more."""
            resource.prlimit(redis.pid, resource.RLIMIT_FSIZE, (redis.log_size(), unlimited[1]))
            with redis_py.Redis.from_url(redis.url) as asking:
                until(lambda: asking.info("persistence")["aof_last_write_status"] == "err")

        def free() -> None:
            resource.prlimit(redis.pid, resource.RLIMIT_FSIZE, unlimited)

        full_and_free_again(redis, processes, fill, free)


@case()
def test_redis_reaches_its_memory_s_end(redis: RedisServer, processes: Cluster) -> None:
    with redis_py.Redis.from_url(redis.url) as asking:

        def fill() -> None:
            asking.config_set("maxmemory", 1)
            until(lambda: refuses_a_write(asking))

        def free() -> None:
            asking.config_set("maxmemory", 0)

        full_and_free_again(redis, processes, fill, free)


def refuses_a_write(asking: redis_py.Redis) -> bool:
    try:
        asking.set("h2serve:results:probe", b"", px=1)
    except redis_py.exceptions.OutOfMemoryError:
        return True
    return False


@case()
def test_the_results_store_is_full_and_then_gone(redis: RedisServer) -> None:
    with redis_server(appendonly="no") as store, cluster(redis.url, H2SERVE_RESULTS_REDIS=store.url) as processes:
        _, client = processes.api()
        with client, redis_py.Redis.from_url(store.url) as asking:
            worker = processes.worker(SLOW)
            run = Run(client, redis.url, store.url)
            run.until_ready()
            unstored = run.submit_many(2)
            run.until_running(unstored)
            asking.config_set("maxmemory", 1)
            until(lambda: refuses_a_write(asking))
            assert run.ends(unstored) == ["failed"] * 2
            said = client.get(f"/v1/jobs/{unstored[0]}").json()["error"]
            assert said["message"] == "the image was made but could not be stored"
            asking.config_set("maxmemory", 0)
            run.until_ready()

            jobs = run.submit_many(4)
            run.until_running(jobs)
            store.kill()
            until(lambda: client.get("/readyz").status_code == 503)
            until(lambda: metric(worker, 'h2serve_images_total{end="finished"}') == 6)
            assert [run.state_of(job_id) for job_id in jobs] == ["running"] * 4, "made, and held until it is back"
            store.start()
            assert run.ends(jobs) == ["finished"] * 4
            run.until_ready()
            run.check()
