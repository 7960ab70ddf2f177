"""The checker turns red for a server that cannot keep its promises: without reaping, and without fencing."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.processes import Cluster, cluster, until
from tests.faults.link import FaultyLink, linked_cluster
from tests.faults.run import Run, metric
from tests.redis_server import RedisServer

ROOT = Path(__file__).parents[2]
SCRIPTS = Path("server/jobs/bull/scripts")
MORE_THAN_A_LEASE_S = 12.0
pytestmark = pytest.mark.slow


def build(folder: Path, script: str, right: str, wrong: str) -> Path:
    """A copy of the server with one of its scripts changed; where Python finds it."""
    for name in ("server", "config"):
        shutil.copytree(ROOT / name, folder / name)
    path = folder / SCRIPTS / script
    text = path.read_text()
    assert text.count(right) == 1, "the script has changed, and this test with it"
    path.write_text(text.replace(right, wrong))
    return folder


def without_reaping(folder: Path) -> Path:
    right = "local lost = moveStalledJobsToWait(keys, {1000000, q, now, args.interval_ms})"
    return build(folder, "sweep.lua", right, "local lost = {}")


def without_fencing(folder: Path) -> Path:
    right = (
        "if finish_in_bull(q, args.id, args.token, done and 'completed' or 'failed', value) ~= 0 then\n  return 0"
    )
    return build(folder, "finish.lua", right, "if false then\n  return 0")


def as_it_is(folder: Path) -> Path:
    return ROOT


def test_without_reaping_the_jobs_of_a_killed_worker_are_lost(redis: RedisServer, tmp_path: Path) -> None:
    with cluster(redis.url, without_reaping(tmp_path)) as processes:
        _, client = processes.api()
        with client:
            victim = processes.worker("slow-step:step_s=0.1")
            run = Run(client, redis.url)
            run.until_ready()
            jobs = run.submit_many(2)
            run.until_running(jobs)
            victim.kill()
            processes.worker()
            run.end_within(jobs[0], MORE_THAN_A_LEASE_S)
            run.end_within(jobs[1], 0.0)
            wrong = set(run.faults())
            assert wrong >= {f"{job_id} was acknowledged and is lost" for job_id in jobs}
            assert "2 images are left in the queue's count" in wrong


@pytest.mark.parametrize(("make", "ends"), [(as_it_is, 1), (without_fencing, 2)], ids=["ours", "broken"])
def test_without_fencing_a_late_word_ends_a_job_a_second_time(
    redis: RedisServer, tmp_path: Path, make: Callable[[Path], Path], ends: int
) -> None:
    with linked_cluster(redis, make(tmp_path)) as (processes, link, store):
        _, client = processes.api()
        with client:
            run = Run(client, redis.url, store)
            job_id = cancelled_while_its_end_is_on_its_way(run, processes, link)
            link.thaw()
            if ends == 2:
                until(lambda: run.state_of(job_id) == "finished")
            run.ends([job_id, run.submit(2)])
            two = f"{job_id} ended as cancelled, finished"
            assert (two in run.faults()) == (ends == 2), run.faults()


def cancelled_while_its_end_is_on_its_way(run: Run, processes: Cluster, link: FaultyLink) -> str:
    """The worker has made the image and says so into a link that holds it back; then the client cancels."""
    worker = processes.worker("slow-step:step_s=0.05", redis=link.redis_url)
    run.until_ready()
    job_id = run.submit(1)
    run.until_running([job_id])
    link.freeze()
    until(lambda: metric(worker, "h2serve_results_bytes_total") > 0)
    held = link.proxy.held
    until(lambda: link.proxy.held > held)
    run.client.delete(f"/v1/jobs/{job_id}")
    assert run.ends([job_id]) == ["cancelled"]
    return job_id
