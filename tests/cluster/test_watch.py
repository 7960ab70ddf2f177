"""What an API process makes of what it sees of Redis and of the workers."""

import asyncio
from dataclasses import replace

from server.catalogue import Catalogue
from server.cluster.watch import NO_WORKER, NOT_ASKED_YET, QUEUE, RESULTS, ClusterWatch, reason_not_ready
from server.errors import StorageFull, StorageUnreachable
from server.jobs.memory import MemoryQueue
from server.jobs.workers import WorkerInfo
from server.profile import load_profile
from server.results.memory import MemoryResults
from tests.core.worked import Clock, new_tokens

WORKER = WorkerInfo("w", "flux-nano", "0.1.0", max_images=8, images_per_s=2.5)


class FullResults(MemoryResults):
    """A store without room."""

    async def put(self, key: str, content: bytes, ttl_s: float) -> None:
        raise StorageFull("there is no room")


class GoneQueue(MemoryQueue):
    """A queue whose Redis does not answer."""

    async def sweep(self) -> None:
        raise StorageUnreachable("nobody is there")


def test_requests_are_welcome_while_redis_takes_writes_and_a_worker_lives() -> None:
    assert reason_not_ready(None, 1, True) is None
    assert reason_not_ready(None, 0, True) == NO_WORKER
    assert reason_not_ready(None, 0, False) is None
    assert reason_not_ready("gone", 1, False) == "gone"


def watch(
    results: MemoryResults, needs_workers: bool = True, kind: type[MemoryQueue] = MemoryQueue
) -> ClusterWatch:
    queue = kind(new_tokens(), Clock())
    return ClusterWatch(queue, results, Catalogue((load_profile("flux-nano"),)), "api", needs_workers)


def test_only_workers_that_take_jobs_count() -> None:
    async def scenario() -> None:
        seen = watch(MemoryResults(Clock()))
        assert seen.reason == NOT_ASKED_YET
        await seen.look()
        assert seen.reason == NO_WORKER
        await seen.queue.announce(replace(WORKER, worker="y", draining=True), 15_000)
        await seen.look()
        assert seen.reason == NO_WORKER
        await seen.queue.announce(WORKER, 15_000)
        await seen.queue.announce(replace(WORKER, worker="v", images_per_s=None), 15_000)
        await seen.look()
        assert seen.reason is None and len(seen.workers) == 2
        await seen.queue.announce(replace(WORKER, worker="x", model="flux-dev", images_per_s=0.5), 15_000)
        await seen.look()
        rates = [seen.images_per_s(model) for model in ("flux-nano", "flux-dev", "nobody-s", None)]
        assert rates == [2.5, 0.5, None, 3.0]
        assert seen.most_pixels("flux-nano") is None
        for each in ("w", "v"):
            await seen.queue.announce(replace(WORKER, worker=each, most_pixels=2**14), 15_000)
        await seen.look()
        assert seen.most_pixels("flux-nano") == 2**14

    asyncio.run(scenario())


def test_a_store_that_takes_nothing_is_not_ready_with_its_reason() -> None:
    async def scenario() -> None:
        seen = watch(FullResults(Clock()), needs_workers=False)
        await seen.queue.announce(WORKER, 15_000)
        await seen.look()
        assert seen.reason == "there is no room"
        assert seen.refusals == {RESULTS: "there is no room"}, "the queue takes writes"
        assert len(seen.workers) == 1, "and says who works"

    asyncio.run(scenario())


def test_a_queue_that_is_gone_is_told_apart_from_the_results_store() -> None:
    async def scenario() -> None:
        seen = watch(MemoryResults(Clock()), needs_workers=False, kind=GoneQueue)
        assert seen.refusals.keys() == {QUEUE, RESULTS}
        await seen.look()
        assert seen.refusals == {QUEUE: "nobody is there"}
        assert seen.reason == "nobody is there"
        assert seen.images_per_s(None) is None

    asyncio.run(scenario())
