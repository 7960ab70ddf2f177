"""No accepted job is lost or ends twice, whatever commands come in which order, repeated or stale."""

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, invariant, multiple, rule

from server.jobs.interface import JobQueue, JobState, Lease
from tests.jobs.contract import DONE, job

T = TypeVar("T")
NAMES = st.integers(0, 12).map(str)
MAX_WAITING = 12


class AnyOrder(RuleBasedStateMachine):
    """A queue beside the plainest model of one. Subclasses say how a fresh queue is made."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.queue = self.run(self.make())
        self.images: dict[str, int] = {}
        self.waiting: list[str] = []
        self.held: dict[str, str] = {}
        self.ended: dict[str, JobState] = {}

    async def make(self) -> JobQueue:
        raise AssertionError("the subclass makes the queue")

    def run(self, command: Awaitable[T]) -> T:
        return self.loop.run_until_complete(command)

    def teardown(self) -> None:
        self.run(self.queue.close())
        self.loop.close()

    def in_order(self, names: list[str]) -> list[str]:
        """By arrival: a dict keeps the order of insertion."""
        return [name for name in self.images if name in names]

    @rule(name=NAMES, images=st.integers(1, 4))
    def put(self, name: str, images: int) -> None:
        accepted = self.run(self.queue.put(job(name, images), MAX_WAITING))
        has_room = sum(self.images[waits] for waits in self.waiting) + images <= MAX_WAITING
        assert accepted == (name in self.images or has_room)
        if accepted and name not in self.images:
            self.images[name] = images
            self.waiting.append(name)

    @rule(target=leases, images=st.integers(0, 6))
    def take(self, images: int) -> "MultipleResults[Lease]":
        taken = self.run(self.queue.take(images, "flux-nano"))
        names = [lease.job.id for lease in taken]
        assert names == self.waiting[: len(names)]
        assert bool(names) == bool(self.waiting and images)
        counts = [self.images[name] for name in names]
        assert sum(counts[1:]) <= max(0, images - sum(counts[:1]))
        del self.waiting[: len(names)]
        self.held.update({lease.job.id: lease.token for lease in taken})
        return multiple(*taken)

    def is_held(self, lease: Lease) -> bool:
        return self.held.get(lease.job.id) == lease.token

    @rule(lease=leases, ending=st.sampled_from((JobState.FINISHED, JobState.FAILED)))
    def end(self, lease: Lease, ending: JobState) -> None:
        command = self.queue.finish(lease, DONE) if ending is JobState.FINISHED else self.queue.fail(lease, "why")
        assert self.run(command) == self.is_held(lease)
        if self.is_held(lease):
            del self.held[lease.job.id]
            self.ended[lease.job.id] = ending

    @rule(lease=leases)
    def release(self, lease: Lease) -> None:
        assert self.run(self.queue.release(lease)) == self.is_held(lease)
        if self.is_held(lease):
            del self.held[lease.job.id]
            self.waiting = self.in_order([*self.waiting, lease.job.id])

    @rule(name=NAMES)
    def cancel(self, name: str) -> None:
        is_cancelled = name in self.images and self.ended.get(name, JobState.CANCELLED) is JobState.CANCELLED
        assert self.run(self.queue.cancel(name)) == is_cancelled
        if is_cancelled:
            self.ended[name] = JobState.CANCELLED
            self.held.pop(name, None)
            self.waiting = [waits for waits in self.waiting if waits != name]

    @rule(lease=leases, step=st.integers(0, 4))
    def progress_and_renew(self, lease: Lease, step: int) -> None:
        self.run(self.queue.progress(lease, step, 4))
        report = self.run(self.queue.renew([lease]))
        is_cancelled = self.ended.get(lease.job.id) is JobState.CANCELLED
        assert report.cancelled == ({lease.job.id} if is_cancelled else set())
        assert report.lost == (set() if is_cancelled or self.is_held(lease) else {lease.job.id})

    @invariant()
    def every_accepted_job_is_where_the_commands_left_it(self) -> None:
        for name in self.images:
            assert self.run(self.state_of(name)) is self.expected(name)
        depth = self.run(self.queue.depth())
        assert depth.images_waiting == sum(self.images[name] for name in self.waiting)
        assert depth.images_running == sum(self.images[name] for name in self.held)
        assert depth.jobs_waiting == len(self.waiting)

    def expected(self, name: str) -> JobState:
        return self.ended.get(name, JobState.RUNNING if name in self.held else JobState.QUEUED)

    async def state_of(self, name: str) -> JobState:
        async with contextlib.aclosing(self.queue.events(name)) as events:  # type: ignore[type-var]  # a generator
            return (await anext(events)).state
