"""Lists of jobs: whose and in which states, in their order, as many as were asked for."""

from server.jobs.event import JobState
from server.jobs.fit import Room
from server.jobs.interface import JobQueue
from tests.jobs.contract.base import DONE, MODEL, Contract, ids, job, lease_of, put, take, taken

MANY, AT_ONCE = 230, 10
"""More than two of the pages that are read together, and fewer than the queue in memory keeps."""


class ListContract(Contract):
    def test_a_tenant_s_jobs_are_listed_newest_first_in_pages(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            for name in "abcde":
                await put(queue, job(name, tenant="t"))
                await self.pass_ms(queue, 10)
            await put(queue, job("other", tenant="u"))
            assert await taken(queue, 1) == ["a"]
            assert ids(await queue.list_jobs("t", 2)) == ["e", "d"]
            assert ids(await queue.list_jobs("t", 2, after="d")) == ["c", "b"]
            assert ids(await queue.list_jobs("t", 2, after="b")) == ["a"]
            assert ids(await queue.list_jobs("t", 2, after="a")) == []
            assert await queue.list_jobs("nobody", 2) == []

        self.run(scenario)

    def test_jobs_are_listed_by_state_over_all_tenants_and_models(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a", tenant="t"), job("b", tenant="u"), job("c"), job("other", model="flux-dev"))
            first, second = await take(queue, 2)
            await queue.finish(first, DONE)
            await queue.cancel("c")
            await put(queue, job("d"), job("e", priority=10))
            assert ids(await queue.list_all([JobState.RUNNING], 10)) == [second.job.id]
            waiting = await queue.list_all([JobState.QUEUED], 10)
            assert set(ids(waiting)) == {"other", "d", "e"}
            assert {each.position for each in waiting} == {0, 1}
            ended = await queue.list_all([JobState.FINISHED, JobState.CANCELLED], 10)
            assert sorted(ids(ended)) == sorted([first.job.id, "c"])
            everywhere = await queue.list_all(JobState, 10)
            assert [each.state for each in everywhere[:4]] == [JobState.RUNNING] + 3 * [JobState.QUEUED]
            for limit in range(7):
                assert ids(await queue.list_all(JobState, limit)) == ids(everywhere)[:limit]

        self.run(scenario)

    def test_those_that_run_come_before_those_that_wait_whatever_their_model(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            for model in (MODEL, "flux-dev"):
                await put(queue, job(f"{model}/1", model=model), job(f"{model}/2", model=model))
                assert len(await queue.take(Room(1), model, "w")) == 1
            states = [each.state for each in await queue.list_all(JobState, 10)]
            assert states == 2 * [JobState.RUNNING] + 2 * [JobState.QUEUED]

        self.run(scenario)

    def test_of_very_many_that_ended_none_is_left_out_or_listed_twice(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.finish(await lease_of(queue, "first"), DONE)
            for number in range(MANY):
                if number % AT_ONCE == 0:
                    await self.pass_ms(queue, 10)
                await put(queue, job(f"{number}"))
                await queue.cancel(f"{number}")
            ended = ids(await queue.list_all([JobState.CANCELLED], MANY))
            assert len(set(ended)) == MANY
            times = [int(job_id) // AT_ONCE for job_id in ended]
            assert times == sorted(times, reverse=True)
            for limit in (1, 99, 100, 101, 150, 200, 201):
                assert ids(await queue.list_all([JobState.CANCELLED], limit)) == ended[:limit]
            assert ids(await queue.list_all(JobState, MANY + 9)) == [*ended, "first"]
            assert ids(await queue.list_all([JobState.FINISHED, JobState.QUEUED], 9)) == ["first"]

        self.run(scenario)
