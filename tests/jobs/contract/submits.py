"""What a submit is answered: accepted, full, or a conflict of keys."""

from server.jobs.interface import JobQueue
from server.jobs.submit import Accepted, Bound, Bounds, Conflict, Full
from tests.jobs.contract.base import DONE, WIDE, Contract, job, lease_of, log_of, once, put, take, taken


class SubmitContract(Contract):
    def test_a_job_is_admitted_whole_or_not_at_all(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            bounds = Bounds(4, 4)
            assert await queue.put(job("a", images=3), bounds) == Accepted("a")
            assert await queue.put(job("b", images=2), bounds) == Full(Bound.IMAGES, 3, 4)
            assert await queue.put(job("c", images=1), bounds) == Accepted("c")
            assert (await queue.depth()).images_waiting == 4
            assert await log_of(queue, "b") == []

        self.run(scenario)

    def test_a_tenant_has_a_bound_of_its_own(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            bounds = Bounds(10, 2)
            assert await queue.put(job("a", images=2, tenant="a"), bounds) == Accepted("a")
            answer = await queue.put(job("more", tenant="a"), bounds)
            assert answer == Full(Bound.TENANT, 2, 2)
            assert await queue.put(job("b", images=2, tenant="b"), bounds) == Accepted("b")
            await take(queue, 2)
            assert await queue.put(job("more", tenant="a"), bounds) == Accepted("more")

        self.run(scenario)

    def test_a_tenant_s_bound_counts_what_it_has_waiting_for_all_models(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            bounds = Bounds(10, 2)
            assert await queue.put(job("a", images=2, model="flux-dev"), bounds) == Accepted("a")
            assert await queue.put(job("b"), bounds) == Full(Bound.TENANT, 2, 2)

        self.run(scenario)

    def test_a_key_has_a_bound_on_what_waits_or_runs(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            bounds = Bounds(100, 100, under_way=3)
            assert await queue.put(job("a", images=2, key_id="k"), bounds) == Accepted("a")
            (lease,) = await take(queue, 2)
            assert await queue.put(job("b", images=2, key_id="k"), bounds) == Full(Bound.KEY, 2, 3)
            assert await queue.put(job("c", key_id="k", model="flux-dev"), bounds) == Accepted("c")
            assert await queue.put(job("d", key_id="k"), bounds) == Full(Bound.KEY, 3, 3)
            await put(queue, job("other", images=4, key_id="l"), job("nobody's", images=4))
            await queue.cancel("c")
            assert await queue.put(job("e", key_id="k"), bounds) == Accepted("e")
            await queue.finish(lease, DONE)
            assert await queue.put(job("f", images=2, key_id="k"), bounds) == Accepted("f")

        self.run(scenario)

    def test_a_job_that_comes_back_is_under_way_once(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            bounds = Bounds(100, 100, under_way=2)
            lease = await lease_of(queue, "a", key_id="k")
            await queue.release(lease)
            (lease,) = await take(queue)
            await self.lose(queue, lease)
            assert await queue.put(job("b", key_id="k"), bounds) == Accepted("b")
            assert await queue.put(job("c", key_id="k"), bounds) == Full(Bound.KEY, 2, 2)
            await put(queue, job("late", deadline_ms=1000, key_id="l", images=2))
            await self.pass_ms(queue, 2000)
            assert await queue.put(job("d", key_id="l", images=2), bounds) == Accepted("d")

        self.run(scenario)

    def test_images_of_cancelled_and_of_ended_jobs_make_room(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            bounds = Bounds(4, 4)
            assert await queue.put(job("a", images=4), bounds) == Accepted("a")
            assert await queue.cancel("a")
            assert await queue.put(job("b", images=4), bounds) == Accepted("b")
            (lease,) = await take(queue)
            await queue.finish(lease, DONE)
            assert await queue.put(job("c", images=4), bounds) == Accepted("c")

        self.run(scenario)

    def test_a_repeated_submit_is_one_job_in_whatever_state_it_is(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            again = Accepted("a", is_new=False)
            await put(queue, job("a"))
            assert await queue.put(job("a"), WIDE) == again
            (lease,) = await take(queue, 5)
            assert await queue.put(job("a"), Bounds(0, 0)) == again
            await queue.finish(lease, DONE)
            assert await queue.put(job("a"), WIDE) == again
            assert await taken(queue, 5) == []

        self.run(scenario)

    def test_the_same_key_and_body_are_the_same_job(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            assert await queue.put(job("a"), WIDE, once("k")) == Accepted("a")
            assert await queue.put(job("b"), Bounds(0, 0), once("k")) == Accepted("a", is_new=False)
            assert await taken(queue, 5) == ["a"]

        self.run(scenario)

    def test_the_same_key_with_another_body_is_a_conflict(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a"), WIDE, once("k", "one"))
            assert await queue.put(job("b"), WIDE, once("k", "other")) == Conflict("a")
            assert await queue.put(job("c", model="flux-dev"), WIDE, once("k", "other")) == Conflict("a")
            assert (await queue.depth()).jobs_waiting == 1

        self.run(scenario)

    def test_a_key_is_its_tenant_s_own(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a", tenant="a"), WIDE, once("k", "one"))
            assert await queue.put(job("b", tenant="b"), WIDE, once("k", "other")) == Accepted("b")

        self.run(scenario)

    def test_a_refused_job_leaves_its_key_free(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            assert isinstance(await queue.put(job("a"), Bounds(0, 0), once("k")), Full)
            assert await queue.put(job("b"), WIDE, once("k", "other")) == Accepted("b")

        self.run(scenario)

    def test_a_key_outlives_its_job_s_end_and_lives_for_a_day(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a"), WIDE, once("k"))
            (lease,) = await take(queue)
            await queue.finish(lease, DONE)
            await self.pass_ms(queue, 86_000_000)
            assert await queue.put(job("b"), WIDE, once("k")) == Accepted("a", is_new=False)
            await self.pass_ms(queue, 1_000_000)
            assert await queue.put(job("b"), WIDE, once("k")) == Accepted("b")

        self.run(scenario)

    def test_a_job_cancelled_by_request_keeps_its_key(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await queue.put(job("a"), WIDE, once("k"))
            await queue.cancel("a")
            assert await queue.put(job("b"), WIDE, once("k")) == Accepted("a", is_new=False)

        self.run(scenario)

    def test_the_depth_says_how_much_waits_at_each_priority_and_for_how_long(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a", 2, priority=-3))
            await self.pass_ms(queue, 1500)
            await put(queue, job("b", priority=5), job("c", priority=-3))
            urgent, slow = (await queue.depth()).priorities
            assert (urgent.priority, urgent.images) == (5, 1)
            assert (slow.priority, slow.images) == (-3, 3)
            assert urgent.oldest_ms < 1500 <= slow.oldest_ms

        self.run(scenario)

    def test_the_depth_counts_images(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a", images=2), job("b", images=3))
            lease, *_ = await take(queue, 2)
            depth = await queue.depth()
            assert (depth.images_waiting, depth.images_running, depth.jobs_waiting) == (3, 2, 1)
            await queue.finish(lease, DONE)
            assert (await queue.depth()).images_running == 0

        self.run(scenario)

    def test_the_depth_is_right_after_every_way_out(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue, "a", images=2)
            await queue.release(lease)
            (lease,) = await take(queue)
            await queue.fail(lease, "why")
            await put(queue, job("b", deadline_ms=1000), job("c"))
            await self.pass_ms(queue, 2000)
            (lease,) = await take(queue)
            await self.lose(queue, lease)
            await queue.cancel("c")
            depth = await queue.depth()
            assert (depth.images_waiting, depth.images_running, depth.jobs_waiting) == (0, 0, 0)

        self.run(scenario)
