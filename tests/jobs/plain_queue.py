"""The plainest model of a job queue: what the commands so far mean, told from what the queue answered.

It says which jobs may be taken, but only for one tenant in which order; between tenants that is for the tests of
fair share.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.jobs.event import JobState
from server.jobs.lease import Lease, LeaseReport
from server.jobs.redelivery import is_dead, runs_alone
from server.jobs.submit import Bounds, Once
from server.jobs.terms import QueueTerms
from server.request import Job


@dataclass
class PlainJob:
    job: Job
    arrival: int
    put_ms: int
    once: Once | None
    state: JobState = JobState.QUEUED
    token: str | None = None
    ended_by: str | None = None
    released_by: str | None = None
    alone: bool = False
    until_ms: int = 0
    attempts: int = 0
    deaths: int = 0
    returned: bool = False
    waited_for: bool = False
    cancel_at_ms: int | None = None

    @property
    def images(self) -> int:
        return self.job.request.num_images


@dataclass
class PlainQueue:
    bounds: Bounds
    terms: QueueTerms
    now_ms: int = 0
    jobs: dict[str, PlainJob] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def put(self, job: Job, once: Once | None, waiter: str | None) -> tuple[str, str | None]:
        answer = self._answer(job, once)
        if answer[0] == "new":
            self.jobs[job.id] = PlainJob(job, len(self.jobs), self.now_ms, once)
            if once is not None:
                self.keys[job.tenant, once.key] = (once.digest, job.id)
        if waiter is not None and answer[0] in ("new", "known"):
            assert answer[1] is not None
            self.attach(answer[1])
        return answer

    def _answer(self, job: Job, once: Once | None) -> tuple[str, str | None]:
        digest, known = self.keys.get((job.tenant, once.key), (None, None)) if once is not None else (None, None)
        if once is not None and known is not None:
            return ("known" if digest == once.digest else "conflict"), known
        if job.id in self.jobs:
            return "known", job.id
        waiting = self.waiting()
        in_all = sum(each.images for each in waiting)
        of_tenant = sum(each.images for each in waiting if each.job.tenant == job.tenant)
        live = [each for each in self.jobs.values() if not each.state.is_terminal]
        of_key = sum(each.images for each in live if each.job.key_id == job.key_id)
        images, bounds = job.request.num_images, self.bounds
        assert bounds.under_way is not None
        if in_all + images > bounds.images or of_tenant + images > bounds.images_of_tenant:
            return "full", None
        if of_key + images > bounds.under_way:
            return "full", None
        return "new", job.id

    def waiting(self) -> list[PlainJob]:
        return [each for each in self.jobs.values() if each.state is JobState.QUEUED]

    def take(self, leases: Sequence[Lease], images: int, idle: bool) -> None:
        """Check what was taken, one by one, and note it."""
        room = images
        for number, lease in enumerate(leases):
            each = self.jobs[lease.job.id]
            assert each.state is JobState.QUEUED and lease.job == each.job
            assert room >= 1 and (number == 0 or each.images <= room)
            assert lease.alone == runs_alone(each.deaths)
            assert not lease.alone or (idle and len(leases) == 1)
            assert lease.attempt == each.attempts + 1
            self._takes_its_turn(each)
            room -= each.images
            each.state, each.token, each.alone = JobState.RUNNING, lease.token, lease.alone
            each.until_ms, each.attempts = self.now_ms + self.terms.lease_ms, each.attempts + 1
        if not leases and images:
            assert all(runs_alone(each.deaths) for each in self.waiting()), "somebody could have been taken"

    def _takes_its_turn(self, each: PlainJob) -> None:
        """Nobody of its tenant is before it who could be taken now."""
        for other in self.waiting():
            if runs_alone(other.deaths):
                continue  # it may be passed over for want of an idle worker
            if each.returned:
                assert not other.returned or other.arrival >= each.arrival or other.job.tenant != each.job.tenant
            else:
                assert not other.returned
                if other.job.tenant == each.job.tenant:
                    mine, its = (-each.job.priority, each.arrival), (-other.job.priority, other.arrival)
                    assert mine <= its

    def held(self, lease: Lease) -> PlainJob | None:
        each = self.jobs[lease.job.id]
        return each if each.state is JobState.RUNNING and each.token == lease.token else None

    def gone(self, lease: Lease) -> LeaseReport:
        if self.held(lease) is not None:
            return LeaseReport()
        name = frozenset({lease.job.id})
        is_cancelled = self.jobs[lease.job.id].state is JobState.CANCELLED
        return LeaseReport(cancelled=name) if is_cancelled else LeaseReport(lost=name)

    def renew(self, lease: Lease) -> None:
        each = self.held(lease)
        if each is not None:
            each.until_ms = self.now_ms + self.terms.lease_ms

    def end(self, lease: Lease, state: JobState) -> bool:
        each = self.held(lease)
        if each is not None:
            each.state, each.ended_by = state, lease.token
        known = self.jobs[lease.job.id]
        return (known.ended_by, known.state) == (lease.token, state)

    def release(self, lease: Lease, died: bool) -> bool:
        each = self.held(lease)
        if each is not None:
            each.released_by = lease.token
            if died:
                self._die(each)
            else:
                each.state, each.attempts = JobState.QUEUED, each.attempts - 1
            self._expire(each)
        return self.jobs[lease.job.id].released_by == lease.token

    def cancel(self, name: str) -> bool:
        each = self.jobs.get(name)
        if each is not None and not each.state.is_terminal:
            each.state = JobState.CANCELLED
        return each is not None and each.state is JobState.CANCELLED

    def attach(self, name: str) -> bool:
        each = self.jobs.get(name)
        if each is not None:
            each.waited_for, each.cancel_at_ms = True, None
        return each is not None

    def hang_up(self, name: str) -> None:
        each = self.jobs.get(name)
        if each is None or each.state.is_terminal or not each.waited_for:
            return
        each.waited_for = False
        each.cancel_at_ms = self.now_ms + (self.terms.grace_ms if each.once is not None else 0)
        self._hung_up(each)

    def pass_ms(self, ms: int) -> None:
        self.now_ms += ms
        for each in self.jobs.values():
            if each.state is JobState.RUNNING and each.until_ms <= self.now_ms:
                self._die(each)
            self._hung_up(each)
            self._expire(each)

    def _die(self, each: PlainJob) -> None:
        each.deaths += 1
        dead = is_dead(each.deaths, each.alone)
        each.state, each.returned = (JobState.DEAD if dead else JobState.QUEUED), True

    def _hung_up(self, each: PlainJob) -> None:
        if not each.state.is_terminal and each.cancel_at_ms is not None and each.cancel_at_ms <= self.now_ms:
            each.state = JobState.CANCELLED
            if each.once is not None:
                self.keys.pop((each.job.tenant, each.once.key), None)

    def _expire(self, each: PlainJob) -> None:
        deadline_ms = each.job.deadline_ms
        if each.state is JobState.QUEUED and deadline_ms is not None and each.put_ms + deadline_ms <= self.now_ms:
            each.state = JobState.EXPIRED

    def states(self) -> dict[str, JobState]:
        return {name: each.state for name, each in self.jobs.items()}

    def counts(self, name: str) -> tuple[int, int]:
        return self.jobs[name].attempts, self.jobs[name].deaths

    def depth(self) -> tuple[int, int, int]:
        waiting = self.waiting()
        running = [each for each in self.jobs.values() if each.state is JobState.RUNNING]
        return sum(each.images for each in waiting), sum(each.images for each in running), len(waiting)
