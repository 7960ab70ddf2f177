"""Workers that are killed, alone or together, in the middle of a job or at its very end."""

from tests.cluster.processes import Cluster, until
from tests.faults.case import case
from tests.faults.link import linked_cluster
from tests.faults.nano_images import NANO, NanoImages
from tests.faults.run import Run, metric
from tests.redis_server import RedisServer


@case()
def test_a_worker_is_killed_mid_job(redis: RedisServer, processes: Cluster, undisturbed: NanoImages) -> None:
    _, client = processes.api()
    with client:
        victim, other = processes.real_workers(2)
        run = Run(client, redis.url)
        run.until_ready()
        jobs = run.submit_many(12, **NANO)
        until(lambda: metric(victim, "h2serve_batch_size_count") > 0)
        victim.kill()
        assert run.ends(jobs) == ["finished"] * 12
        again = [attempt for attempt in run.attempts(jobs) if attempt > 1]
        assert again, "the victim held some of them"
        undisturbed.assert_same([run.image_of(job_id) for job_id in jobs])
        assert not other.has_ended
        run.check()


@case()
def test_both_workers_are_killed_at_once(redis: RedisServer, processes: Cluster, undisturbed: NanoImages) -> None:
    _, client = processes.api()
    with client:
        victims = processes.real_workers(2)
        run = Run(client, redis.url)
        run.until_ready()
        jobs = run.submit_many(12, **NANO)
        until(lambda: all(metric(victim, "h2serve_batch_size_count") > 0 for victim in victims))
        for victim in victims:
            victim.kill()
        processes.real_workers(1)
        assert run.ends(jobs) == ["finished"] * 12
        assert sum(attempt > 1 for attempt in run.attempts(jobs)) >= 2, "each victim held one at least"
        undisturbed.assert_same([run.image_of(job_id) for job_id in jobs])
        run.check()


@case(short=True)
def test_a_worker_is_killed_between_its_result_and_the_end(redis: RedisServer) -> None:
    """Its link to the queue is cut before: the images are in the results store, and nobody was told of them."""
    with linked_cluster(redis) as (processes, link, store):
        _, client = processes.api()
        with client:
            victim = processes.worker("slow-step:step_s=0.05", redis=link.redis_url)
            run = Run(client, redis.url, store)
            run.until_ready()
            jobs = run.submit_many(4)
            run.until_running(jobs)
            link.freeze()
            until(lambda: all(len(run.blobs(job_id)) == 1 for job_id in jobs))
            assert {run.state_of(job_id) for job_id in jobs} <= {"running", "queued"}
            victim.kill()
            processes.worker()
            assert run.ends(jobs) == ["finished"] * 4
            assert run.attempts(jobs) == [2] * 4
            assert [len(run.blobs(job_id)) for job_id in jobs] == [2] * 4, "the loser's expires by itself"
            run.check()
