"""What every job queue has to keep; a back end's test module subclasses ``QueueContract``."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from server.jobs.interface import JobEvent, JobQueue, JobState, Lease
from server.request import CacheChoice, ImageRequest, Job, JobResult

BOUND = 100
DONE = JobResult(())


def job(job_id: str, images: int = 1, model: str = "flux-nano") -> Job:
    request = ImageRequest("a", model, images, 64, 64, 4, 3.5, 1, CacheChoice("off", None, None, method="off"))
    return Job(job_id, request, 0.0)


async def all_events(queue: JobQueue, job_id: str) -> list[JobEvent]:
    return [event async for event in queue.events(job_id)]


async def taken(queue: JobQueue, images: int = 1) -> list[str]:
    return [lease.job.id for lease in await queue.take(images, "flux-nano")]


class QueueContract:
    """Subclasses say how a fresh queue is made."""

    async def make(self) -> JobQueue:
        raise AssertionError("the subclass makes the queue")

    def run(self, scenario: Callable[[JobQueue], Awaitable[Any]]) -> Any:
        """Run a scenario on a queue of its own, within a time limit."""

        async def whole() -> Any:
            queue = await self.make()
            try:
                return await asyncio.wait_for(scenario(queue), 20)
            finally:
                await queue.close()

        return asyncio.run(whole())

    async def lease(self, queue: JobQueue, job_id: str = "a") -> Lease:
        assert await queue.put(job(job_id), BOUND)
        (lease,) = await queue.take(1, "flux-nano")
        return lease

    def test_jobs_are_taken_in_the_order_in_which_they_came(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            for name in "abc":
                assert await queue.put(job(name), BOUND)
            assert await taken(queue, 2) == ["a", "b"]
            assert await taken(queue, 2) == ["c"]
            assert await taken(queue, 2) == []

        self.run(scenario)

    def test_a_job_is_admitted_whole_or_not_at_all(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            assert await queue.put(job("a", images=3), 4)
            assert not await queue.put(job("b", images=2), 4)
            assert await queue.put(job("c", images=1), 4)
            assert (await queue.depth()).images_waiting == 4
            assert await all_events(queue, "b") == []

        self.run(scenario)

    def test_a_repeated_submit_is_one_job(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            assert await queue.put(job("a"), BOUND)
            assert await queue.put(job("a"), BOUND)
            assert await taken(queue, 5) == ["a"]
            assert await queue.put(job("a"), BOUND)
            assert await taken(queue, 5) == []

        self.run(scenario)

    def test_no_more_images_are_taken_than_asked_for_but_the_first_job_always_comes(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("big", images=10), BOUND)
            await queue.put(job("small", images=1), BOUND)
            assert await taken(queue, 0) == []
            assert await taken(queue, 2) == ["big"]
            assert await taken(queue, 2) == ["small"]

        self.run(scenario)

    def test_a_worker_gets_jobs_of_its_model_only(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("other", model="flux-dev"), BOUND)
            await queue.put(job("mine"), BOUND)
            assert await taken(queue, 5) == ["mine"]

        self.run(scenario)

    def test_a_finished_job_tells_its_result_to_those_who_watch_and_to_those_who_come_later(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await self.lease(queue)
            watching = asyncio.create_task(all_events(queue, "a"))
            await asyncio.sleep(0)
            await queue.progress(lease, 1, 4)
            assert await queue.finish(lease, DONE)
            for events in (await watching, await all_events(queue, "a")):
                assert events[-1] == JobEvent(JobState.FINISHED, result=DONE)
                assert [event.state.is_terminal for event in events].count(True) == 1

        self.run(scenario)

    def test_a_failed_job_tells_why(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await self.lease(queue)
            assert await queue.fail(lease, "no luck")
            assert (await all_events(queue, "a"))[-1] == JobEvent(JobState.FAILED, error="no luck")

        self.run(scenario)

    def test_progress_is_seen(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await self.lease(queue)
            await queue.progress(lease, 2, 4)
            async for event in queue.events("a"):
                assert (event.state, event.step, event.num_steps) == (JobState.RUNNING, 2, 4)
                break

        self.run(scenario)

    def test_an_unknown_job_has_no_events(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            assert await all_events(queue, "nobody") == []
            assert not await queue.cancel("nobody")

        self.run(scenario)

    def test_a_cancelled_job_is_never_taken_and_its_images_make_room(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a", images=4), 4)
            assert await queue.cancel("a")
            assert await queue.cancel("a")
            assert await queue.put(job("b", images=4), 4)
            assert await taken(queue, 9) == ["b"]
            assert (await all_events(queue, "a"))[-1].state is JobState.CANCELLED

        self.run(scenario)

    def test_a_running_job_that_is_cancelled_is_told_at_the_next_renewal(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await self.lease(queue)
            assert not (await queue.renew([lease])).cancelled
            assert await queue.cancel("a")
            report = await queue.renew([lease])
            assert report.cancelled == {"a"} and not report.lost
            assert not await queue.finish(lease, DONE)
            assert (await all_events(queue, "a"))[-1].state is JobState.CANCELLED

        self.run(scenario)

    def test_an_ended_job_cannot_be_cancelled(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await self.lease(queue)
            await queue.finish(lease, DONE)
            assert not await queue.cancel("a")

        self.run(scenario)

    def test_a_released_job_comes_back_to_its_old_place_unharmed(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await self.lease(queue, "a")
            await queue.put(job("b"), BOUND)
            assert await queue.release(lease)
            (again,) = await queue.take(1, "flux-nano")
            assert (again.job.id, again.attempt) == ("a", 1)
            assert again.token != lease.token

        self.run(scenario)

    def test_released_jobs_come_back_in_the_order_in_which_they_came_first(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            for name in "abcd":
                await queue.put(job(name), BOUND)
            for lease in await queue.take(3, "flux-nano"):
                assert await queue.release(lease)
            assert await taken(queue, 9) == ["a", "b", "c", "d"]

        self.run(scenario)

    def test_every_watcher_sees_the_end(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await self.lease(queue)
            watching = [asyncio.create_task(all_events(queue, "a")) for _ in range(5)]
            await asyncio.sleep(0)
            await queue.fail(lease, "why")
            for events in await asyncio.gather(*watching):
                assert events[-1].state is JobState.FAILED

        self.run(scenario)

    def test_a_token_that_is_no_longer_the_job_s_changes_nothing(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            stale = await self.lease(queue)
            await queue.release(stale)
            (lease,) = await queue.take(1, "flux-nano")
            assert not await queue.finish(stale, DONE)
            assert not await queue.fail(stale, "stale")
            assert not await queue.release(stale)
            await queue.progress(stale, 3, 4)
            assert (await queue.renew([stale, lease])).lost == {"a"}
            assert await queue.finish(lease, DONE)

        self.run(scenario)

    def test_an_end_told_twice_is_one_end(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await self.lease(queue)
            assert await queue.finish(lease, DONE)
            await queue.finish(lease, DONE)
            await queue.fail(lease, "too late")
            assert (await all_events(queue, "a"))[-1].state is JobState.FINISHED

        self.run(scenario)

    def test_the_depth_counts_images(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a", images=2), BOUND)
            await queue.put(job("b", images=3), BOUND)
            lease, *_ = await queue.take(2, "flux-nano")
            depth = await queue.depth()
            assert (depth.images_waiting, depth.images_running, depth.jobs_waiting) == (3, 2, 1)
            await queue.finish(lease, DONE)
            assert (await queue.depth()).images_running == 0

        self.run(scenario)

    def test_waiting_for_work_ends_when_work_comes_or_a_job_is_cancelled(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.wait_for_work(0.01)
            waiting = asyncio.create_task(queue.wait_for_work(60))
            await asyncio.sleep(0)
            lease = await self.lease(queue)
            await waiting
            waiting = asyncio.create_task(queue.wait_for_work(60))
            await asyncio.sleep(0)
            await queue.cancel(lease.job.id)
            await waiting

        self.run(scenario)

    def test_closing_ends_all_watching(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a"), BOUND)
            watching = asyncio.create_task(all_events(queue, "a"))
            await asyncio.sleep(0)
            await queue.close()
            assert not (await watching)[-1].state.is_terminal

        self.run(scenario)
