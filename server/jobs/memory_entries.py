"""All jobs that the queue in memory knows: their line, their leases' ends, and how long ended ones are kept."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator

from server.jobs import words
from server.jobs.event import Ended, JobState, Queued, Started
from server.jobs.fair_share import Turn, line, next_tag
from server.jobs.lease import Lease
from server.jobs.memory_entry import Entry
from server.jobs.memory_log import EventLog
from server.jobs.redelivery import is_dead
from server.jobs.submit import Once
from server.jobs.terms import QueueTerms
from server.request import Job


class Entries:
    """The one owner of the entries. Times in ms on the queue's clock.

    At most ``keep_ended`` ended jobs are kept. ``on_end`` is told of each job's end once; ``on_news`` is called
    when a job waits or has ended.
    """

    def __init__(
        self,
        terms: QueueTerms,
        keep_ended: int,
        on_end: Callable[[JobState], None],
        on_news: Callable[[], None],
    ) -> None:
        self._terms, self._keep_ended, self._on_end, self._on_news = terms, keep_ended, on_end, on_news
        self._known: dict[str, Entry] = {}
        self._live: dict[str, Entry] = {}
        self._ended: deque[str] = deque()
        self._arrivals = itertools.count()
        self._virtual_time: dict[str, float] = {}
        self._last_tags: dict[tuple[str, str], float] = {}

    def __iter__(self) -> Iterator[Entry]:
        """All that are kept."""
        return iter(list(self._known.values()))

    @property
    def live(self) -> list[Entry]:
        """Those without an end."""
        return list(self._live.values())

    def find(self, job_id: str) -> Entry | None:
        """None for an unknown id."""
        return self._known.get(job_id)

    def held(self, lease: Lease) -> Entry | None:
        """The entry while the lease is still its own."""
        entry = self._known.get(lease.job.id)
        return entry if entry is not None and entry.token == lease.token else None

    def in_state(self, state: JobState) -> list[Entry]:
        """Those that wait, or those that run."""
        return [entry for entry in self._live.values() if entry.state is state]

    def line(self, model: str) -> list[Turn]:
        """The order of service of those that wait for the model."""
        waiting = self.in_state(JobState.QUEUED)
        return line(entry.waiting() for entry in waiting if entry.job.request.model == model)

    def position(self, entry: Entry) -> int | None:
        """How many are before it; None for one that does not wait."""
        if entry.state is not JobState.QUEUED:
            return None
        return [turn.job_id for turn in self.line(entry.job.request.model)].index(entry.id)

    def in_order(self) -> list[Entry]:
        """Those that run, those that wait in their order, and those that ended, last first."""
        models = {entry.job.request.model for entry in self._live.values()}
        waiting = [self._known[turn.job_id] for model in sorted(models) for turn in self.line(model)]
        return [*self.in_state(JobState.RUNNING), *waiting, *(self._known[each] for each in reversed(self._ended))]

    def enter(self, job: Job, once: Once | None, now_ms: int) -> None:
        """A new job, at its place by fair share."""
        model = job.request.model
        last = self._last_tags.get((model, job.tenant), 0.0)
        tag = next_tag(self._virtual_time.get(model, 0.0), last, job.cost, job.weight)
        self._last_tags[model, job.tenant] = tag
        arrival = next(self._arrivals)
        entry = Entry(job, arrival, (tag, arrival), now_ms, EventLog(self._terms.most_events), once)
        self._known[job.id] = self._live[job.id] = entry
        self._say_queued(entry)

    def start(self, entry: Entry, token: str, worker: str, now_ms: int) -> Lease:
        """It runs; virtual time is the highest tag served."""
        model, (tag, _) = entry.job.request.model, entry.place
        self._virtual_time[model] = max(self._virtual_time.get(model, 0.0), tag)
        lease = entry.lease(token, worker, now_ms, now_ms + self._terms.lease_ms)
        entry.log.tell(Started(entry.attempts))
        return lease

    def died(self, entry: Entry, now_ms: int) -> None:
        """The lease ended: the worker is lost."""
        entry.deaths += 1
        if is_dead(entry.deaths, entry.alone):
            self.end(entry, Ended(JobState.DEAD, error=words.DEAD), now_ms)
            return
        entry.returned = True
        self.requeue(entry)

    def requeue(self, entry: Entry) -> None:
        """It waits again, at its old place, or before all others when it was lost."""
        entry.state, entry.token, entry.worker, entry.alone = JobState.QUEUED, None, None, False
        self._say_queued(entry)

    def end(self, entry: Entry, end: Ended, now_ms: int) -> None:
        """Into the one terminal state."""
        entry.state, entry.result, entry.error = end.state, end.result, end.error
        entry.token, entry.ended_ms, entry.cancel_at_ms = None, now_ms, None
        entry.waiters.clear()
        entry.log.tell(end)
        self._ended.append(entry.id)
        del self._live[entry.id]
        self._on_end(end.state)
        self._on_news()

    def forget(self, now_ms: int) -> None:
        """Drop ended jobs past their life or beyond their number, and debts where nobody waits."""
        if not self.in_state(JobState.QUEUED):
            self._last_tags.clear()  # a tenant that has nothing waiting owes nothing
        while self._ended:
            entry = self._known[self._ended[0]]
            is_old = entry.ended_ms is not None and entry.ended_ms + self._terms.keep_ms <= now_ms
            if not is_old and len(self._ended) <= self._keep_ended:
                return
            del self._known[self._ended.popleft()]

    def _say_queued(self, entry: Entry) -> None:
        position = self.position(entry)
        assert position is not None
        entry.log.tell(Queued(position))
        self._on_news()
