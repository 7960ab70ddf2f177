"""Events, snapshots and heartbeats: what is to be seen of jobs and workers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from server.jobs.event import Ended, JobEvent, JobState, PartialImage, Queued, Started, StepCounts, Stepped
from server.jobs.interface import JobQueue
from server.jobs.lease import Checkpoint, Lease
from server.jobs.workers import WorkerInfo
from tests.jobs.contract.base import (
    DONE,
    MODEL,
    Contract,
    end_of,
    job,
    lease_of,
    log_of,
    put,
    step,
    take,
)

FINISHED = Ended(JobState.FINISHED, result=DONE)


async def rest_of(events: AsyncIterator[JobEvent]) -> list[JobEvent]:
    return [event async for event in events]


class WatchContract(Contract):
    def test_the_log_tells_a_job_s_life_in_order(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("first"))
            lease = await self.second(queue)
            await step(queue, lease, 1, counts=StepCounts(1, 0, 0))
            await step(queue, lease, 2, counts=StepCounts(1, 1, 0), partial=PartialImage(0, "blob"))
            assert await queue.finish(lease, DONE)
            assert await log_of(queue, "a") == [
                Queued(1),
                Started(1),
                Stepped(1, 4, StepCounts(1, 0, 0)),
                Stepped(2, 4, StepCounts(1, 1, 0)),
                PartialImage(0, "blob"),
                FINISHED,
            ]

        self.run(scenario)

    def test_a_step_is_told_once_whatever_else_is_reported_at_it(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            await step(queue, lease, 1)
            await step(queue, lease, 1, checkpoint=Checkpoint(0, 1, "kept"))
            await step(queue, lease, 1, partial=PartialImage(0, "blob"))
            await step(queue, lease, 2)
            await queue.release(lease)
            (lease,) = await take(queue)
            await step(queue, lease, 1)
            assert await queue.finish(lease, DONE)
            told = [what for what in await log_of(queue, "a") if isinstance(what, Stepped | PartialImage)]
            assert told == [Stepped(1, 4), PartialImage(0, "blob"), Stepped(2, 4), Stepped(1, 4)]

        self.run(scenario)

    async def second(self, queue: JobQueue) -> Lease:
        await put(queue, job("a"))
        _, lease = await take(queue, 2)
        return lease

    def test_those_who_watch_and_those_who_come_later_see_the_same(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            watching = [asyncio.create_task(log_of(queue, "a")) for _ in range(5)]
            await asyncio.sleep(0)
            await step(queue, lease, 1)
            assert await queue.finish(lease, DONE)
            later = await log_of(queue, "a")
            assert later[-1] == FINISHED
            for log in await asyncio.gather(*watching):
                assert log == later

        self.run(scenario)

    def test_a_watcher_goes_on_behind_the_event_that_it_saw_last(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            for number in (1, 2, 3):
                await step(queue, lease, number)
            await queue.finish(lease, DONE)
            events = [event async for event in queue.events("a")]
            assert len({event.id for event in events}) == len(events)
            for number, event in enumerate(events[:-1]):
                assert await log_of(queue, "a", event.id) == [event.what for event in events[number + 1 :]]
            assert await log_of(queue, "a", "no id of ours") == [event.what for event in events]

        self.run(scenario)

    def test_a_slow_watcher_of_a_capped_log_misses_steps_but_never_the_end(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            events = queue.events("a")
            assert isinstance((await anext(events)).what, Queued)
            for number in range(400):
                await step(queue, lease, number, 400)
            await queue.finish(lease, DONE)
            rest = [event.what async for event in events]
            assert rest[-1] == FINISHED
            assert len(await log_of(queue, "a")) < 200

        self.run(scenario, most_events=16)

    def test_an_unknown_job_has_no_events_and_no_status(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            assert await log_of(queue, "nobody") == []
            assert await queue.status("nobody") is None

        self.run(scenario)

    def test_a_job_that_comes_back_says_so(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            await queue.release(lease)
            (lease,) = await take(queue)
            await self.lose(queue, lease)
            (lease,) = await take(queue)
            await queue.finish(lease, DONE)
            assert await log_of(queue, "a") == [
                Queued(0),
                Started(1),
                Queued(0),
                Started(1),
                Queued(0),
                Started(2),
                FINISHED,
            ]

        self.run(scenario)

    def test_closing_ends_all_watching(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a"))
            events = queue.events("a")
            assert (await anext(events)).what == Queued(0)
            watching = asyncio.create_task(rest_of(events))
            await asyncio.sleep(0)
            await queue.close()
            assert await watching == []

        self.run(scenario)

    def test_a_watcher_that_leaves_disturbs_nobody(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            staying = asyncio.create_task(end_of(queue, "a"))
            leaving = asyncio.create_task(log_of(queue, "a"))
            await asyncio.sleep(0.05)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            async with contextlib.aclosing(queue.events("a")) as events:  # type: ignore[type-var]  # the protocol says AsyncIterator
                await anext(events)
            await queue.finish(lease, DONE)
            assert await staying == FINISHED

        self.run(scenario)

    def test_a_status_says_where_a_job_is(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("first"), job("a", images=2, tenant="t", asynchronous=True, deadline_ms=9_000))
            status = await queue.status("a")
            assert status is not None
            assert (status.state, status.position, status.attempt) == (JobState.QUEUED, 1, 0)
            assert (status.tenant, status.model, status.num_images, status.asynchronous) == ("t", MODEL, 2, True)
            assert status.deadline_ms == status.submitted_ms + 9_000
            (lease,) = [lease for lease in await take(queue, 3, worker="w7") if lease.job.id == "a"]
            await step(queue, lease, 3, 8, counts=StepCounts(2, 1, 0))
            status = await queue.status("a")
            assert status is not None and status.started_ms is not None
            assert (status.state, status.position, status.worker) == (JobState.RUNNING, None, "w7")
            assert (status.step, status.num_steps, status.counts) == (3, 8, StepCounts(2, 1, 0))
            await queue.finish(lease, DONE)
            status = await queue.status("a")
            assert status is not None and status.started_ms is not None and status.ended_ms is not None
            assert (status.state, status.result, status.error) == (JobState.FINISHED, DONE, None)
            assert status.submitted_ms <= status.started_ms <= status.ended_ms

        self.run(scenario)

    def test_a_status_says_why_a_job_failed(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.fail(await lease_of(queue), "no luck")
            status = await queue.status("a")
            assert status is not None and (status.state, status.error) == (JobState.FAILED, "no luck")

        self.run(scenario)

    def test_waiting_for_work_ends_when_work_comes(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.wait_for_work(MODEL, 0.01)
            waiting = asyncio.create_task(queue.wait_for_work(MODEL, 15))
            await asyncio.sleep(0.05)
            lease = await lease_of(queue)
            await waiting
            waiting = asyncio.create_task(queue.wait_for_work(MODEL, 15))
            await asyncio.sleep(0.05)
            await queue.release(lease)
            await waiting

        self.run(scenario)

    def test_a_worker_is_known_while_its_heart_beats_and_its_model_for_good(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            info = WorkerInfo("w1", "flux-dev", "0.1", max_images=8, running=3, most_pixels=2**20, address="h:1")
            assert not await queue.announce(info, 15_000)
            await queue.announce(WorkerInfo("w0", MODEL, "0.1", max_images=2), 5_000)
            assert [each.worker for each in await queue.workers()] == ["w0", "w1"]
            await self.pass_ms(queue, 10_000)
            assert await queue.workers() == [info]
            await self.pass_ms(queue, 10_000)
            assert await queue.workers() == []
            assert await queue.models() == {MODEL: "", "flux-dev": ""}

        self.run(scenario)

    def test_what_a_worker_told_of_its_model_last_outlives_it(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            told = WorkerInfo("w1", "flux-dev", "0.1", max_images=8, profile="{}")
            for each in (replace(told, profile="older"), told, replace(told, worker="w2", profile="")):
                await queue.announce(each, 5_000)
            await self.pass_ms(queue, 10_000)
            assert await queue.workers() == []
            assert await queue.models() == {"flux-dev": "{}"}

        self.run(scenario)
