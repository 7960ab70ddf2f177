"""The jobs under way, and which of their samples the engine has."""

from collections.abc import Callable
from dataclasses import dataclass, field

from server.engine.interface import Engine
from server.jobs.fit import Room
from server.worker.running import Running


@dataclass
class Book:
    """Changed on the worker's event loop only. ``on_change`` is called when a job has left."""

    engine: Engine
    on_change: Callable[[], None]
    jobs: dict[str, Running] = field(default_factory=dict)
    samples: set[str] = field(default_factory=set)

    def add(self, job: Running) -> None:
        """A job was taken. If it is here already, its lease was lost, and what was begun is let go."""
        before = self.jobs.get(job.id)
        if before is not None:
            self.let_go(before)
        self.jobs[job.id] = job

    def is_ours(self, job: Running) -> bool:
        """False once its lease is lost, or it has ended."""
        return self.jobs.get(job.id) is job

    def find(self, sample_id: str) -> tuple[Running, int] | None:
        """The job and the image's index, while the job is under way and nobody ends it."""
        job_id, _, rest = sample_id.partition(":")
        index, _, token = rest.partition(":")
        job = self.jobs.get(job_id)
        if job is None or job.is_ending or job.lease.token != token:
            return None
        return job, int(index)

    def room(self) -> Room:
        """What may be taken. Nothing beside a job that has to run alone."""
        is_alone = any(job.lease.alone for job in self.jobs.values())
        return Room(0 if is_alone else self.engine.free_slots(), idle=not self.jobs)

    def feed(self) -> None:
        """Submit samples of the jobs under way, in the order in which these were taken."""
        free = self.engine.free_slots()
        for job in self.jobs.values():
            if free <= 0:
                return
            for order in job.orders(0 if job.is_ending else free):
                self.samples.add(order.sample_id)
                self.engine.submit(order)
                free -= 1

    def has_ended(self, sample_id: str) -> bool:
        """The engine has let go of the sample. True the first time."""
        was_there = sample_id in self.samples
        self.samples.discard(sample_id)
        return was_there

    def let_go(self, job: Running) -> None:
        """Take the job's samples back from the engine, whose last events are then of no interest."""
        if not self.is_ours(job):
            return
        del self.jobs[job.id]
        for index in range(job.submitted):
            if job.sample_id(index) in self.samples:
                self.engine.cancel(job.sample_id(index))
        self.on_change()
