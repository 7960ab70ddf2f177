"""Engines that fail with a batch in their hands: out of memory once, or killed by one of the jobs."""

from tests.cluster.processes import Cluster, until
from tests.faults.case import case
from tests.faults.run import Run
from tests.redis_server import RedisServer


@case()
def test_an_engine_is_out_of_memory_once(redis: RedisServer, processes: Cluster) -> None:
    _, client = processes.api()
    with client:
        worker = processes.worker("out-of-memory-once:step_s=0.05")
        run = Run(client, redis.url)
        run.until_ready()
        jobs = run.submit_many(4)
        worker.said(r"no memory for a step of (\d) samples")
        assert run.ends(jobs) == ["finished"] * 4
        assert run.attempts(jobs) == [1] * 4, "each alone had room"
        assert not worker.has_ended
        run.check()


@case()
def test_a_poison_job_ends_dead_and_its_batch_mates_finish(redis: RedisServer, processes: Cluster) -> None:
    _, client = processes.api()
    with client:
        workers = [processes.worker("dies-mid-step:step_s=0.1")]
        run = Run(client, redis.url)
        run.until_ready()
        poison = run.submit(0, "a poison star")
        mates = [run.submit(seed) for seed in range(7)]
        while run.state_of(poison) != "dead":
            until(lambda: workers[-1].has_ended or run.state_of(poison) == "dead")
            assert len(workers) < 6
            workers.append(processes.worker("dies-mid-step:step_s=0.1"))
        assert sum(worker.has_ended for worker in workers) == 3, "it has killed three"
        assert run.ends(mates) == ["finished"] * 7
        assert max(run.attempts(mates)) > 1, "mates were in its batch"
        assert run.ends([poison]) == ["dead"]
        run.check()
