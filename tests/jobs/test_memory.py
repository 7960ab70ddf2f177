"""The in-memory queue keeps the contract, in any order of commands, within bounded memory."""

import asyncio
import itertools

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from server.jobs.interface import JobEvent, JobQueue, JobState, Lease
from server.jobs.memory import MemoryQueue
from tests.jobs.contract import BOUND, DONE, QueueContract, all_events, job


def fresh(keep_ended: int = 256) -> MemoryQueue:
    tokens = itertools.count()
    return MemoryQueue(lambda: f"token-{next(tokens)}", keep_ended)


class TestMemoryQueue(QueueContract):
    async def make(self) -> JobQueue:
        return fresh()


def test_ended_jobs_are_forgotten_beyond_a_number() -> None:
    async def scenario() -> None:
        queue = fresh(keep_ended=3)
        for i in range(10):
            await queue.put(job(str(i)), BOUND)
            (lease,) = await queue.take(1, "flux-nano")
            await queue.finish(lease, DONE)
        assert [bool(await all_events(queue, str(i))) for i in range(10)] == 7 * [False] + 3 * [True]

    asyncio.run(scenario())


class AnyOrder(RuleBasedStateMachine):
    """No accepted job is lost or ends twice, whatever comes in which order, repeated or stale."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.queue = fresh()
        self.accepted: set[str] = set()
        self.ended: dict[str, JobState] = {}

    @rule(name=st.integers(0, 12), images=st.integers(1, 4))
    def put(self, name: int, images: int) -> None:
        if self.loop.run_until_complete(self.queue.put(job(str(name), images), 12)):
            self.accepted.add(str(name))

    @rule(target=leases, images=st.integers(1, 6))
    def take(self, images: int) -> Lease | None:
        leases = self.loop.run_until_complete(self.queue.take(images, "flux-nano"))
        for lease in leases[1:]:
            self.loop.run_until_complete(self.queue.release(lease))
        assert all(lease.job.id not in self.ended for lease in leases)
        return leases[0] if leases else None

    @rule(lease=leases)
    def finish(self, lease: Lease | None) -> None:
        if lease and self.loop.run_until_complete(self.queue.finish(lease, DONE)):
            self.end(lease.job.id, JobState.FINISHED)

    @rule(lease=leases)
    def fail(self, lease: Lease | None) -> None:
        if lease and self.loop.run_until_complete(self.queue.fail(lease, "why")):
            self.end(lease.job.id, JobState.FAILED)

    @rule(lease=consumes(leases))
    def release(self, lease: Lease | None) -> None:
        if lease:
            self.loop.run_until_complete(self.queue.release(lease))

    @rule(name=st.integers(0, 12))
    def cancel(self, name: int) -> None:
        job_id = str(name)
        if self.loop.run_until_complete(self.queue.cancel(job_id)) and job_id not in self.ended:
            self.end(job_id, JobState.CANCELLED)

    def end(self, job_id: str, state: JobState) -> None:
        assert job_id in self.accepted
        assert job_id not in self.ended
        self.ended[job_id] = state

    @invariant()
    def every_accepted_job_is_where_the_commands_left_it(self) -> None:
        for job_id in self.accepted:
            event = self.loop.run_until_complete(self.now(job_id))
            if job_id in self.ended:
                assert event.state is self.ended[job_id]
            else:
                assert event.state in (JobState.QUEUED, JobState.RUNNING)

    async def now(self, job_id: str) -> JobEvent:
        events = self.queue.events(job_id)
        try:
            return await anext(events)
        finally:
            await events.aclose()  # type: ignore[attr-defined]  # an async generator behind the interface

    def teardown(self) -> None:
        self.loop.close()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
