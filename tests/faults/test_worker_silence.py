"""Workers that are still there and not heard: asleep, with an engine that hangs, or told to leave under load."""

import signal
import time

from tests.cluster.processes import Cluster, cluster, until
from tests.faults.case import case
from tests.faults.nano_images import NANO, NanoImages
from tests.faults.run import Run, metric
from tests.redis_server import RedisServer

ENOUGH_S = 5.0
"""For whoever wakes up to do what it still had to do."""


@case()
def test_a_worker_that_slept_past_its_lease_is_not_heard(
    redis: RedisServer, processes: Cluster, undisturbed: NanoImages
) -> None:
    _, client = processes.api()
    with client:
        (zombie,) = processes.real_workers(1)
        run = Run(client, redis.url)
        run.until_ready()
        jobs = run.submit_many(4, **NANO)
        run.until_running(jobs)
        zombie.signal(signal.SIGSTOP)
        processes.real_workers(1)
        assert run.ends(jobs) == ["finished"] * 4
        assert run.attempts(jobs) == [2] * 4, "the sleeper held them all"
        zombie.signal(signal.SIGCONT)
        until(lambda: metric(zombie, "h2serve_leases_lost_total") == 4)
        time.sleep(ENOUGH_S)
        assert not zombie.has_ended
        assert run.ends(jobs) == ["finished"] * 4
        undisturbed.assert_same([run.image_of(job_id) for job_id in jobs])
        run.check()


@case()
def test_a_worker_is_told_to_leave_under_load(
    redis: RedisServer, processes: Cluster, undisturbed: NanoImages
) -> None:
    _, client = processes.api()
    with client:
        (leaving,) = processes.real_workers(1)
        run = Run(client, redis.url)
        run.until_ready()
        jobs = run.submit_many(12, **NANO)
        until(lambda: metric(leaving, "h2serve_batch_size_count") > 10)
        held = [job_id for job_id in jobs if run.state_of(job_id) == "running"]
        for _ in range(2):  # the second time: at once
            leaving.signal(signal.SIGTERM)
            time.sleep(0.1)
        assert leaving.wait() == 0
        assert held and all(run.state_of(job_id) != "running" for job_id in jobs), "it gave back what it held"
        processes.real_workers(1)
        assert run.ends(jobs) == ["finished"] * 12
        assert run.attempts(jobs) == [1] * 12, "no attempt was spent"
        undisturbed.assert_same([run.image_of(job_id) for job_id in jobs])
        run.check()


@case()
def test_an_engine_hangs_and_its_late_word_is_not_heard(redis: RedisServer) -> None:
    # It is silent for longer than the lease past the bound, and wakes up before twice the bound: it would end.
    with cluster(redis.url, H2SERVE_STALLED_AFTER_S="10") as processes:
        _, client = processes.api()
        with client:
            hung = processes.worker("hangs-on-step:step_s=0.1,hang_s=17")
            run = Run(client, redis.url)
            run.until_ready()
            jobs = [run.submit(0), run.submit(1, "a poison star")]
            until(lambda: hung.get("/livez").status_code == 503)
            assert all(run.state_of(job_id) in ("running", "queued") for job_id in jobs)
            processes.worker()
            assert run.ends(jobs) == ["finished"] * 2
            assert run.attempts(jobs) == [2, 2], "it held both"
            until(lambda: hung.get("/livez").status_code == 200)
            until(lambda: metric(hung, "h2serve_leases_lost_total") == 2)
            assert run.ends(jobs) == ["finished"] * 2
            run.check()
