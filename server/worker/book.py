"""The jobs under way, and which of their samples the engine has."""

from collections.abc import Callable
from dataclasses import dataclass, field

from server.engine.interface import Engine
from server.jobs.fit import Room, num_that_fit
from server.worker.running import Running


@dataclass
class Book:
    """Changed on the worker's event loop only. ``on_change`` is called when a job has left.

    The engine is given samples of ``most_pixels`` in sum; None is no bound. ``samples`` are those that it
    has, with the pixels of each.
    """

    engine: Engine
    on_change: Callable[[], None]
    most_pixels: int | None = None
    jobs: dict[str, Running] = field(default_factory=dict)
    samples: dict[str, int] = field(default_factory=dict)

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
        images, most = 0 if is_alone else self.engine.free_slots(), self.most_pixels
        taken = sum(self.samples.values()) + sum(job.pixels_to_come for job in self.jobs.values())
        return Room(images, None if most is None else most - taken, most, idle=not self.jobs)

    def feed(self) -> None:
        """Submit samples of the jobs under way, in the order in which these were taken."""
        free = self.engine.free_slots()
        for job in self.jobs.values():
            if free <= 0:
                return
            fitting = num_that_fit(free, job.pixels, sum(self.samples.values()), self.most_pixels)
            for order in job.orders(0 if job.is_ending else fitting):
                self.samples[order.sample_id] = job.pixels
                self.engine.submit(order)
                free -= 1

    def has_ended(self, sample_id: str) -> bool:
        """The engine has let go of the sample. True the first time."""
        return self.samples.pop(sample_id, None) is not None

    def let_go(self, job: Running) -> None:
        """Take the job's samples back from the engine, whose last events are then of no interest."""
        if not self.is_ours(job):
            return
        del self.jobs[job.id]
        for index in range(job.submitted):
            if job.sample_id(index) in self.samples:
                self.engine.cancel(job.sample_id(index))
        self.on_change()
