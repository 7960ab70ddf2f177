"""Links between our processes and Redis: cut off, slow, or reset again and again. TCP through a proxy of ours."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.cluster.processes import Cluster, until
from tests.faults.case import case
from tests.faults.link import faulty_link, linked_cluster
from tests.faults.overheard import overheard
from tests.faults.run import Run, metric
from tests.redis_server import RedisServer


@case()
def test_the_api_is_cut_off_from_redis(redis: RedisServer, processes: Cluster) -> None:
    with faulty_link(redis.port) as link:
        _, client = processes.api(redis=link.redis_url)
        with client, ThreadPoolExecutor(2) as clients:
            worker = processes.worker("slow-step:step_s=0.1")
            run = Run(client, redis.url)
            run.until_ready()
            waiting = run.ask_aside(clients, range(2))
            jobs = run.submit_many(2)
            run.until_running(jobs)
            assert link.proxy.carried > 0, "it did carry"
            link.freeze()
            until(lambda: client.get("/readyz").status_code == 503)
            assert link.proxy.held > 0
            refused = run.ask(9)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            until(lambda: metric(worker, 'h2serve_images_total{end="finished"}') == 4)
            assert not any(each.done() for each in waiting), "the end has not come through"
            link.thaw()
            assert [each.result().status_code for each in waiting] == [200] * 2
            assert run.ends(jobs) == ["finished"] * 2
            assert run.attempts(jobs) == [1] * 2, "the worker was not concerned"
            run.until_ready()
            run.check()


@case(short=True)
def test_a_worker_is_cut_off_from_redis_and_what_it_says_later_is_refused(redis: RedisServer) -> None:
    with linked_cluster(redis) as (processes, link, store):
        _, client = processes.api()
        with client:
            zombie = processes.worker("slow-step:step_s=0.05", redis=link.redis_url)
            run = Run(client, redis.url, store)
            run.until_ready()
            jobs = run.submit_many(4)
            run.until_running(jobs)
            assert link.proxy.carried > 0, "it did carry"
            link.freeze()
            processes.worker("slow-step:step_s=0.05")
            assert run.ends(jobs) == ["finished"] * 4
            assert run.attempts(jobs) == [2] * 4, "the one cut off held them all"
            until(lambda: all(len(run.blobs(job_id)) == 2 for job_id in jobs))  # it has made them too
            assert link.proxy.held > 0
            with overheard(redis.url) as commands:
                link.thaw()
                until(lambda: all(said_again(commands, job_id) for job_id in jobs))
                until(lambda: metric(zombie, "h2serve_leases_lost_total") == 4)
            assert run.ends(jobs) == ["finished"] * 4
            assert run.ends([run.submit(7)]) == ["finished"], "it is of use again"
            assert not zombie.has_ended
            run.check()


def said_again(commands: list[str], job_id: str) -> bool:
    """True when Redis was told of the job's end: the scripts' own commands do not begin so."""
    return any(each.startswith("EVALSHA") and job_id in each and "ended" in each for each in commands)


@case()
def test_each_answer_of_redis_comes_200_ms_late(redis: RedisServer, processes: Cluster) -> None:
    with faulty_link(redis.port) as link:
        _, client = processes.api(redis=link.redis_url)
        with client, ThreadPoolExecutor(4) as clients:
            processes.worker(redis=link.redis_url)
            run = Run(client, redis.url)
            run.until_ready()
            link.proxy.delay_s = 0.2
            asked_s, carried = time.monotonic(), link.proxy.carried
            waiting = run.ask_aside(clients, range(4))
            jobs = run.submit_many(4)
            assert run.ends(jobs) == ["finished"] * 4
            assert [each.result().status_code for each in waiting] == [200] * 4
            assert time.monotonic() - asked_s > 5 * 0.2 and link.proxy.carried > carried
            assert run.attempts(jobs) == [1] * 4
            run.check()


@case()
def test_connections_to_redis_are_reset_again_and_again(redis: RedisServer, processes: Cluster) -> None:
    with faulty_link(redis.port) as link:
        _, client = processes.api(redis=link.redis_url)
        with client, ThreadPoolExecutor(4) as clients:
            worker = processes.worker("slow-step:step_s=0.1", redis=link.redis_url)
            run = Run(client, redis.url)
            run.until_ready()
            waiting = run.ask_aside(clients, range(4))
            jobs = run.submit_many(4)
            run.until_running(jobs)
            for _ in range(8):
                link.cut()
                time.sleep(0.5)
            assert link.proxy.resets >= 16, "both processes had links, each time"
            assert [each.result().status_code for each in waiting] == [200] * 4
            assert run.ends(jobs) == ["finished"] * 4
            assert not worker.has_ended
            run.check()
