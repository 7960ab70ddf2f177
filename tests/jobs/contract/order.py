"""In which order jobs are taken, and which are left for later."""

from server.jobs.fit import Room
from server.jobs.interface import JobQueue
from server.jobs.submit import Accepted
from tests.jobs.contract.base import MODEL, WIDE, Contract, job, lease_of, put, step, take, taken


class OrderContract(Contract):
    def test_jobs_are_taken_in_the_order_in_which_they_came(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, *map(job, "abc"))
            assert await taken(queue, 2) == ["a", "b"]
            assert await taken(queue, 2) == ["c"]
            assert await taken(queue, 2) == []

        self.run(scenario)

    def test_no_more_images_are_taken_than_asked_for_but_the_first_job_always_comes(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("big", images=10), job("small"))
            assert await taken(queue, 0) == []
            assert await taken(queue, 2) == ["big"]
            assert await taken(queue, 2) == ["small"]

        self.run(scenario)

    def test_a_job_of_more_images_than_are_left_is_not_overtaken(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a"), job("b", images=3), job("c"))
            assert await taken(queue, 3) == ["a"]
            assert await taken(queue, 4) == ["b", "c"]

        self.run(scenario)

    def test_a_worker_gets_jobs_of_its_model_only(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("other", model="flux-dev"), job("mine"))
            assert await taken(queue, 5) == ["mine"]
            (lease,) = await queue.take(Room(5), "flux-dev", "w")
            assert lease.job == job("other", model="flux-dev")

        self.run(scenario)

    def test_the_job_comes_out_as_it_was_put_in(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            whole = job("a", tenant="t", weight=2.5, priority=3, deadline_ms=60_000, cost=0.25, asynchronous=True)
            assert await queue.put(whole, WIDE) == Accepted("a")
            (lease,) = await take(queue)
            assert (lease.job, lease.attempt, lease.alone, lease.checkpoints) == (whole, 1, False, ())

        self.run(scenario)

    def test_a_tenant_s_more_urgent_job_goes_first(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("low", priority=-10), job("usual"), job("high", priority=10), job("next"))
            assert await taken(queue, 9) == ["high", "usual", "next", "low"]

        self.run(scenario)

    def test_urgency_is_a_tenant_s_own_affair(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a1", tenant="a"), job("a2", tenant="a"))
            await put(queue, job("b1", tenant="b", priority=-10), job("b2", tenant="b", priority=10))
            first_two = {await self.only(queue), await self.only(queue)}
            assert first_two == {"a1", "b2"}
            assert {await self.only(queue), await self.only(queue)} == {"a2", "b1"}

        self.run(scenario)

    async def only(self, queue: JobQueue) -> str:
        (job_id,) = await taken(queue, 1)
        return job_id

    def test_tenants_take_turns_however_much_one_of_them_has_queued(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, *[job(f"a{k}", tenant="a") for k in range(6)])
            await put(queue, *[job(f"b{k}", tenant="b") for k in range(2)])
            served = [(await self.only(queue))[0] for _ in range(8)]
            assert served[0] == "a" and served[:4].count("b") == 2
            assert served[4:] == ["a"] * 4

        self.run(scenario)

    def test_shares_of_cost_go_by_weight(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            for k in range(40):
                await put(queue, job(f"a{k}", tenant="a", weight=1.0, cost=1.0 + k % 3))
            for k in range(40):
                await put(queue, job(f"b{k}", tenant="b", weight=3.0, cost=2.0))
            leases = [(await take(queue))[0] for _ in range(48)]
            costs = {
                tenant: sum(lease.job.cost for lease in leases if lease.job.tenant == tenant) for tenant in "ab"
            }
            assert abs(costs["b"] / (costs["a"] + costs["b"]) - 0.75) <= 0.075

        self.run(scenario)

    def test_a_tenant_that_was_idle_has_saved_up_nothing(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("b-early", tenant="b"))
            await put(queue, *[job(f"a{k:02}", tenant="a") for k in range(20)])
            for _ in range(11):
                await taken(queue)
            await put(queue, *[job(f"b{k}", tenant="b") for k in range(6)])
            served = [(await self.only(queue))[0] for _ in range(6)]
            assert 2 <= served.count("b") <= 4

        self.run(scenario)

    def test_a_job_that_is_too_large_for_what_is_free_is_overtaken_for_a_while_only(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("large", side=128), *[job(f"s{k}") for k in range(4)])
            busy = {"pixels": 10_000, "most_pixels": 20_000, "idle": False}
            assert await taken(queue, 1, **busy) == ["s0"]
            await self.pass_ms(queue, 9_000)
            assert await taken(queue, 1, **busy) == ["s1"]
            await self.pass_ms(queue, 1_500)
            assert await taken(queue, 1, **busy) == []
            assert await taken(queue, 1, pixels=10_000, most_pixels=16_000) == ["s2"], "it could never hold it"
            assert await taken(queue, 1, pixels=20_000, most_pixels=20_000) == ["large"]
            assert await taken(queue, 1, **busy) == ["s3"]

        self.run(scenario)

    def test_a_job_that_waits_at_the_end_of_the_line_has_not_been_overtaken(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("large", side=128))
            busy = {"pixels": 10_000, "most_pixels": 20_000, "idle": False}
            assert await taken(queue, 1, **busy) == []
            await self.pass_ms(queue, 30_000)
            await put(queue, job("small"))
            assert await taken(queue, 1, **busy) == ["small"]

        self.run(scenario)

    def test_two_workers_never_get_the_same_job(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, *[job(str(k)) for k in range(8)])
            one, two = await taken(queue, 3, worker="one"), await taken(queue, 5, worker="two")
            assert sorted(one + two) == [str(k) for k in range(8)]

        self.run(scenario)

    def test_a_cancelled_job_is_never_taken_and_its_place_goes_to_the_next(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            await put(queue, job("a", priority=5), job("b"), job("c"))
            assert await queue.cancel("a")
            assert await taken(queue, 9) == ["b", "c"]

        self.run(scenario)

    def test_a_job_knows_what_has_been_done_on_it_only_while_it_is_held(self) -> None:
        async def scenario(queue: JobQueue) -> None:
            lease = await lease_of(queue)
            await step(queue, lease, 2)
            assert (await queue.depth()).images_running == 1
            assert (await queue.take(Room(4), MODEL, "other")) == []

        self.run(scenario)
