"""Leases: who may say what of a job, and what becomes of a job whose worker is lost."""

from server.jobs.event import JobState
from server.jobs.interface import JobQueue
from server.jobs.lease import Checkpoint, Lease
from tests.jobs.contract.base import DONE, Contract, end_of, job, lease_of, put, step, take, taken


class LeaseContract(Contract):
    def test_a_renewed_lease_lives_on(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            for _ in range(4):
                await self.pass_ms(queue, 9_000)
                assert not (await queue.renew([lease])).gone
            assert await queue.finish(lease, DONE)

        self.run(scenario)

    def test_many_leases_are_renewed_at_once(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, *[job(str(k)) for k in range(5)])
            leases = await take(queue, 5)
            await queue.cancel("1")
            await queue.finish(leases[3], DONE)
            report = await queue.renew(leases)
            assert report.cancelled == {"1"} and report.lost == {"3"}
            assert not (await queue.renew([])).gone

        self.run(scenario)

    def test_a_lease_that_is_not_renewed_ends_and_its_job_is_taken_again(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lost = await lease_of(queue)
            await self.lose(queue, lost)
            (again,) = await take(queue)
            assert (again.job.id, again.attempt, again.alone) == ("a", 2, False)
            assert again.token != lost.token
            assert not await queue.finish(lost, DONE), "the late write of a zombie"
            assert await queue.finish(again, DONE)

        self.run(scenario)

    def test_a_lease_that_has_ended_is_lost_before_anybody_else_has_the_job(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            await self.lose(queue, lease)
            assert not await queue.finish(lease, DONE)
            assert not await queue.fail(lease, "why")
            assert not await queue.release(lease)
            status = await queue.status("a")
            assert status is not None and status.state is JobState.QUEUED

        self.run(scenario)

    def test_a_lost_job_comes_back_before_all_others(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lost = await lease_of(queue, "lost", priority=-10)
            await put(queue, job("a", priority=10), job("b", tenant="other"))
            await self.lose(queue, lost)
            assert (await taken(queue, 9))[0] == "lost"

        self.run(scenario)

    def test_jobs_lost_together_come_back_in_their_old_order(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, *map(job, "abcdef"))
            leases = await take(queue, 4)
            await self.lose(queue, leases[0])
            assert await taken(queue, 9) == list("abcdef")

        self.run(scenario)

    def test_from_the_second_redelivery_on_a_job_runs_alone(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await self.lose(queue, await lease_of(queue, "a"))
            await put(queue, job("b"))
            first, mate = await take(queue, 9)
            assert (first.job.id, first.alone) == ("a", False)
            await queue.finish(mate, DONE)
            await self.lose(queue, first)
            await put(queue, job("c"))
            (second,) = await take(queue, 9)
            assert (second.job.id, second.attempt, second.alone) == ("a", 3, True)
            assert await taken(queue, 9) == ["c"], "another worker"

        self.run(scenario)

    def test_a_job_that_runs_alone_waits_for_a_worker_that_is_idle_but_not_for_long(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            for _ in range(2):
                if (await queue.depth()).jobs_waiting == 0:
                    await put(queue, job("a"))
                (lease,) = await take(queue)
                await self.lose(queue, lease)
            await put(queue, job("b"), job("c"), job("d"))
            assert await taken(queue, 1, idle=False) == ["b"]
            await self.pass_ms(queue, 9_000)
            assert await taken(queue, 1, idle=False) == ["c"]
            await self.pass_ms(queue, 2_000)
            assert await taken(queue, 1, idle=False) == []
            assert await taken(queue, 1) == ["a"]

        self.run(scenario)

    def test_three_deaths_the_last_of_them_alone_end_a_job_as_dead(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a"))
            for attempt in (1, 2, 3):
                (lease,) = await take(queue)
                assert (lease.attempt, lease.alone) == (attempt, attempt == 3)
                await self.lose(queue, lease)
            assert await taken(queue) == []
            end = await end_of(queue, "a")
            assert end.state is JobState.DEAD and end.error
            status = await queue.status("a")
            assert status is not None and (status.state, status.deaths) == (JobState.DEAD, 3)

        self.run(scenario)

    def test_a_released_job_comes_back_to_its_old_place_unharmed(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue, "a")
            await put(queue, job("b"))
            assert await queue.release(lease)
            (again,) = await take(queue)
            assert (again.job.id, again.attempt) == ("a", 1)
            assert again.token != lease.token

        self.run(scenario)

    def test_released_jobs_come_back_in_the_order_in_which_they_came_first(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, *map(job, "abcd"))
            for lease in await take(queue, 3):
                assert await queue.release(lease)
            assert await taken(queue, 9) == ["a", "b", "c", "d"]

        self.run(scenario)

    def test_a_job_that_is_released_again_and_again_never_dies_of_it(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a"))
            for _ in range(6):
                (lease,) = await take(queue)
                assert (lease.attempt, lease.alone) == (1, False)
                assert await queue.release(lease)

        self.run(scenario)

    def test_a_lost_job_that_is_released_stays_in_front(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a"), job("b"))
            _, b = await take(queue, 2)
            await self.lose(queue, b)
            (a, *_) = await take(queue, 1)
            assert await queue.release(a)
            await put(queue, job("c", priority=10))
            assert await taken(queue, 9) == ["a", "b", "c"]

        self.run(scenario)

    def test_a_worker_that_lost_its_device_hands_its_jobs_back_as_one_that_died(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a"), job("b", priority=10))
            await taken(queue)
            for attempt in (1, 2, 3):
                (lease,) = await take(queue)
                assert (lease.job.id, lease.attempt, lease.alone) == ("a", attempt, attempt == 3)
                await put(queue, job(f"c{attempt}", priority=10))
                assert await queue.release(lease, died=True)
                assert await queue.release(lease, died=True), "the answer may have been lost"
            assert (await end_of(queue, "a")).state is JobState.DEAD
            assert not await queue.finish(lease, DONE)

        self.run(scenario)

    def test_a_token_that_is_no_longer_the_job_s_changes_nothing(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            stale = await lease_of(queue)
            await queue.release(stale)
            (lease,) = await take(queue)
            assert not await queue.finish(stale, DONE)
            assert not await queue.fail(stale, "stale")
            await step(queue, stale, 3)
            status = await queue.status("a")
            assert status is not None and status.step == 0
            assert (await queue.renew([stale, lease])).lost == {"a"}
            assert await queue.finish(lease, DONE)

        self.run(scenario)

    def test_a_token_that_never_was_changes_nothing(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            forged = Lease(lease.job, "forged")
            assert not await queue.finish(forged, DONE)
            assert not await queue.release(forged)
            assert not await queue.finish(Lease(job("nobody"), lease.token), DONE)
            assert (await queue.renew([Lease(job("nobody"), "forged")])).lost == {"nobody"}

        self.run(scenario)

    def test_a_release_told_twice_is_one(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            assert await queue.release(lease)
            assert await queue.release(lease), "the answer may have been lost"
            (again,) = await take(queue, 9)
            assert await queue.release(lease), "and it changes nothing"
            assert await queue.finish(again, DONE)

        self.run(scenario)

    def test_a_checkpoint_is_given_to_the_next_holder(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue, images=2)
            await step(queue, lease, 2, checkpoint=Checkpoint(0, 2, "old"))
            await step(queue, lease, 3, checkpoint=Checkpoint(1, 3, "other"))
            await step(queue, lease, 4, checkpoint=Checkpoint(0, 4, "new"))
            await queue.release(lease)
            (again,) = await take(queue)
            assert again.checkpoints == (Checkpoint(0, 4, "new"), Checkpoint(1, 3, "other"))
            await step(queue, lease, 5, checkpoint=Checkpoint(0, 5, "stale"))
            await self.lose(queue, again)
            (third,) = await take(queue)
            assert third.checkpoints[0].key == "new"

        self.run(scenario)

    def test_a_lease_says_how_long_its_job_has_waited(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a"))
            await self.pass_ms(queue, 5_000)
            (lease,) = await take(queue)
            assert 5_000 <= lease.waited_ms < 25_000

        self.run(scenario)
