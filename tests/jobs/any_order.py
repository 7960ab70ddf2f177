"""No accepted job is lost or ends twice, whatever commands come in which order, repeated, stale, after a crash."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, invariant, multiple, rule

from server.jobs.event import Ended, JobState
from server.jobs.fit import Room
from server.jobs.interface import JobQueue
from server.jobs.lease import Lease, Progress
from server.jobs.submit import Accepted, Bounds, Conflict, Full, Once
from server.jobs.terms import DEFAULT_TERMS, QueueTerms
from tests.jobs.contract.base import DONE, MODEL, job
from tests.jobs.plain_queue import PlainQueue

T = TypeVar("T")
NAMES = st.integers(0, 12).map(str)
TENANTS = st.sampled_from("tu")
BOUNDS = Bounds(12, 8, under_way=9)
TERMS = replace(DEFAULT_TERMS, keep_ms=10**9)


class AnyOrder(RuleBasedStateMachine):
    """A queue beside the plainest model of one. Subclasses say how a fresh queue is made and how time passes."""

    leases = Bundle("leases")
    repeats = False
    """Whether every command arrives twice; the second submit finds the job of the first."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.queue = self.run(self.make(TERMS))
        self.plain = PlainQueue(BOUNDS, TERMS)

    async def make(self, terms: QueueTerms) -> JobQueue:
        raise AssertionError("the subclass makes the queue")

    async def pass_ms(self, ms: int) -> None:
        raise AssertionError("the subclass lets time pass")

    def run(self, command: Awaitable[T]) -> T:
        return self.loop.run_until_complete(command)

    def teardown(self) -> None:
        self.run(self.queue.close())
        self.loop.close()

    @rule(
        name=NAMES,
        images=st.integers(1, 4),
        tenant=TENANTS,
        priority=st.integers(-1, 1),
        deadline_ms=st.sampled_from((None, None, 4_000)),
        key=st.sampled_from((None, None, "k", "l")),
        digest=st.sampled_from(("one", "other")),
        waiter=st.sampled_from((None, "w")),
    )
    def put(
        self,
        name: str,
        images: int,
        tenant: str,
        priority: int,
        deadline_ms: int | None,
        key: str | None,
        digest: str,
        waiter: str | None,
    ) -> None:
        wanted = job(name, images, tenant=tenant, priority=priority, deadline_ms=deadline_ms, cost=float(images))
        wanted = replace(wanted, key_id=f"of {tenant}")
        once = None if key is None else Once(key, digest)
        answer = self.run(self.queue.put(wanted, BOUNDS, once, waiter))
        expected = self.plain.put(wanted, once, waiter)
        match answer:
            case Accepted(job_id, is_new):
                assert expected == ("new" if is_new else "known", job_id) or (self.repeats and not is_new)
                assert job_id == expected[1]
            case Conflict(job_id):
                assert expected == ("conflict", job_id)
            case Full():
                assert expected == ("full", None)

    @rule(target=leases, images=st.integers(0, 6), idle=st.booleans())
    def take(self, images: int, idle: bool) -> "MultipleResults[Lease]":
        taken = self.run(self.queue.take(Room(images, idle=idle), MODEL, "w"))
        self.plain.take(taken, images, idle)
        return multiple(*taken)

    @rule(lease=leases, ending=st.sampled_from((JobState.FINISHED, JobState.FAILED)))
    def end(self, lease: Lease, ending: JobState) -> None:
        command = self.queue.finish(lease, DONE) if ending is JobState.FINISHED else self.queue.fail(lease, "why")
        assert self.run(command) == self.plain.end(lease, ending)

    @rule(lease=leases, died=st.booleans())
    def release(self, lease: Lease, died: bool) -> None:
        assert self.run(self.queue.release(lease, died)) == self.plain.release(lease, died)

    @rule(name=NAMES)
    def cancel(self, name: str) -> None:
        assert self.run(self.queue.cancel(name)) == self.plain.cancel(name)

    @rule(name=NAMES)
    def hang_up(self, name: str) -> None:
        self.run(self.queue.detach(name, "w"))
        self.plain.hang_up(name)

    @rule(name=NAMES)
    def attach(self, name: str) -> None:
        assert self.run(self.queue.attach(name, "w")) == self.plain.attach(name)

    @rule(lease=leases, step=st.integers(0, 4))
    def progress(self, lease: Lease, step: int) -> None:
        report = self.run(self.queue.progress([Progress(lease, step, 4)]))
        assert report == self.plain.gone(lease)

    @rule(lease=leases)
    def renew(self, lease: Lease) -> None:
        report = self.run(self.queue.renew([lease]))
        assert report == self.plain.gone(lease)
        self.plain.renew(lease)

    @rule()
    def workers_crash(self) -> None:
        """All that are not renewed for the length of a lease."""
        self.time_passes(TERMS.lease_ms + 2_000)

    @rule(ms=st.sampled_from((1_000, 5_000, 31_000)))
    def time_passes(self, ms: int) -> None:
        """In parts, as sweeps come: what is due is done within a second."""
        self.run(self.pass_ms(ms))
        self.run(self.queue.sweep())
        self.plain.pass_ms(ms)

    @invariant()
    def every_accepted_job_is_where_the_commands_left_it(self) -> None:
        for name, expected in self.plain.states().items():
            status = self.run(self.queue.status(name))
            assert status is not None and status.state is expected, (name, status, expected)
            assert (status.attempt, status.deaths) == self.plain.counts(name)
        depth = self.run(self.queue.depth())
        assert (depth.images_waiting, depth.images_running, depth.jobs_waiting) == self.plain.depth()

    @invariant()
    def an_ended_job_has_one_end(self) -> None:
        for name, expected in self.plain.states().items():
            if expected.is_terminal:
                ends = [what.state for what in self.run(self.log_of(name)) if isinstance(what, Ended)]
                assert ends == [expected]

    async def log_of(self, name: str) -> list[object]:
        return [event.what async for event in self.queue.events(name)]
