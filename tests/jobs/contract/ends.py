"""Every job ends once: by its worker, by its client, by its deadline."""

from server.jobs.event import Ended, JobState
from server.jobs.interface import JobQueue
from server.jobs.lease import Progress
from server.jobs.submit import Accepted
from tests.jobs.contract.base import (
    DONE,
    WIDE,
    Contract,
    end_of,
    job,
    lease_of,
    log_of,
    once,
    put,
    take,
    taken,
)


class EndContract(Contract):
    def test_a_failed_job_tells_why(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            assert await queue.fail(lease, "no luck")
            assert await end_of(queue, "a") == Ended(JobState.FAILED, error="no luck")

        self.run(scenario)

    def test_an_end_told_twice_is_one_end(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            assert await queue.finish(lease, DONE)
            assert await queue.finish(lease, DONE), "the answer may have been lost"
            assert not await queue.fail(lease, "too late")
            assert not await queue.release(lease)
            assert await end_of(queue, "a") == Ended(JobState.FINISHED, result=DONE)

        self.run(scenario)

    def test_a_running_job_that_is_cancelled_is_told_at_the_next_renewal_and_at_the_next_step(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            assert not (await queue.renew([lease])).gone
            assert not (await queue.progress([Progress(lease, 1, 4)])).gone
            assert await queue.cancel("a")
            for report in (await queue.renew([lease]), await queue.progress([Progress(lease, 2, 4)])):
                assert report.cancelled == {"a"} and not report.lost
            assert not await queue.finish(lease, DONE)
            assert (await end_of(queue, "a")).state is JobState.CANCELLED

        self.run(scenario)

    def test_an_ended_job_cannot_be_cancelled_and_a_cancelled_one_can(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            await queue.finish(lease, DONE)
            assert not await queue.cancel("a")
            await put(queue, job("b"))
            assert await queue.cancel("b")
            assert await queue.cancel("b")
            assert not await queue.cancel("nobody")

        self.run(scenario)

    def test_a_job_that_waits_past_its_deadline_expires_though_no_worker_lives(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a", deadline_ms=5_000), job("b", deadline_ms=500_000), job("c"))
            await self.pass_ms(queue, 4_000)
            assert (await queue.depth()).jobs_waiting == 3
            await self.pass_ms(queue, 1_500)
            end = await end_of(queue, "a")
            assert end.state is JobState.EXPIRED and end.error is not None and "5000 ms" in end.error
            assert await taken(queue, 9) == ["b", "c"]

        self.run(scenario)

    def test_a_job_that_was_started_in_time_may_end_after_its_deadline(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue, deadline_ms=5_000)
            await self.pass_ms(queue, 9_000)
            assert not (await queue.renew([lease])).gone
            assert await queue.finish(lease, DONE)

        self.run(scenario)

    def test_a_repeated_submit_does_not_move_the_deadline(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a", deadline_ms=5_000))
            await self.pass_ms(queue, 3_000)
            assert await queue.put(job("a", deadline_ms=5_000), WIDE) == Accepted("a", is_new=False)
            await self.pass_ms(queue, 2_500)
            assert (await end_of(queue, "a")).state is JobState.EXPIRED

        self.run(scenario)

    def test_a_hang_up_cancels_a_job_without_a_key_at_once(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a"), WIDE, waiter="one")
            await queue.detach("a", "one")
            end = await end_of(queue, "a")
            assert (end.state, end.error) == (JobState.CANCELLED, "the client hung up")

        self.run(scenario)

    def test_a_hang_up_cancels_a_running_job_too(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a"), WIDE, waiter="one")
            (lease,) = await take(queue)
            await queue.detach("a", "one")
            assert (await queue.renew([lease])).cancelled == {"a"}

        self.run(scenario)

    def test_a_job_is_cancelled_when_the_last_of_its_waiters_has_gone(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a"), WIDE, waiter="one")
            assert await queue.attach("a", "two")
            assert await queue.attach("a", "two"), "told twice"
            await queue.detach("a", "one")
            await queue.detach("a", "one")
            await queue.detach("a", "stranger")
            assert (await queue.depth()).jobs_waiting == 1
            await queue.detach("a", "two")
            assert (await end_of(queue, "a")).state is JobState.CANCELLED

        self.run(scenario)

    def test_a_job_with_a_key_waits_for_its_client_to_come_back(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a"), WIDE, once("k"), waiter="one")
            await queue.detach("a", "one")
            await self.pass_ms(queue, 25_000)
            again = await queue.put(job("b"), WIDE, once("k"), waiter="two")
            assert again == Accepted("a", is_new=False)
            await self.pass_ms(queue, 60_000)
            assert (await queue.depth()).jobs_waiting == 1
            await queue.detach("a", "two")
            await self.pass_ms(queue, 31_000)
            assert (await end_of(queue, "a")).state is JobState.CANCELLED

        self.run(scenario)

    def test_a_job_cancelled_by_hang_up_frees_its_key(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a"), WIDE, once("k"), waiter="one")
            await queue.detach("a", "one")
            await self.pass_ms(queue, 31_000)
            assert await queue.put(job("b"), WIDE, once("k", "other")) == Accepted("b")

        self.run(scenario)

    def test_an_asynchronous_job_lives_on_without_waiters(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a", asynchronous=True), WIDE, waiter="one")
            await queue.detach("a", "one")
            await self.pass_ms(queue, 60_000)
            assert await taken(queue) == ["a"]

        self.run(scenario)

    def test_a_job_whose_waiters_are_not_detached_lives_on(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a"), WIDE, waiter="of a process that died")
            await self.pass_ms(queue, 3_000_000)
            assert await taken(queue) == ["a"]

        self.run(scenario)

    def test_a_hang_up_after_the_end_changes_nothing(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a"), WIDE, waiter="one")
            (lease,) = await take(queue)
            await queue.finish(lease, DONE)
            await queue.detach("a", "one")
            await queue.detach("nobody", "one")
            assert not await queue.attach("nobody", "one")
            assert (await end_of(queue, "a")).state is JobState.FINISHED

        self.run(scenario)

    def test_an_ended_job_is_forgotten_after_its_time(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            await queue.finish(lease, DONE)
            await self.pass_ms(queue, 3_500_000)
            assert (await end_of(queue, "a")).state is JobState.FINISHED
            await self.pass_ms(queue, 200_000)
            assert await queue.status("a") is None
            assert await log_of(queue, "a") == []

        self.run(scenario)
