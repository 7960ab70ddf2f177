"""When a sample is saved, and where its checkpoints are kept."""

from collections.abc import Callable
from dataclasses import dataclass, field

from server.engine.interface import Engine, SampleSaved
from server.jobs.lease import Checkpoint
from server.results.interface import ResultStore
from server.worker.running import Running
from server.worker.terms import CheckpointKind, CheckpointTerms


def is_due(step: int, num_steps: int, last_step: int, since_last_s: float, terms: CheckpointTerms) -> bool:
    """After ``step`` of ``num_steps``; ``last_step`` was saved ``since_last_s`` ago."""
    if terms.kind is CheckpointKind.OFF or step >= num_steps:
        return False
    return step // terms.each_steps > last_step // terms.each_steps and since_last_s >= terms.interval_s


@dataclass
class _Saved:
    """Of one sample: when it was last asked for and after which step, and how many bytes are kept."""

    asked_s: float
    step: int
    num_bytes: int = 0
    is_waiting: bool = False


@dataclass
class Checkpoints:
    """Those of one worker. ``clock`` gives seconds and never goes back."""

    engine: Engine
    results: ResultStore
    terms: CheckpointTerms
    clock: Callable[[], float]
    _saved: dict[tuple[str, int], _Saved] = field(default_factory=dict)

    @property
    def are_kept(self) -> bool:
        """False when the worker keeps none."""
        return self.terms.kind is not CheckpointKind.OFF

    @property
    def kept_bytes(self) -> int:
        """Of all samples under way."""
        return sum(saved.num_bytes for saved in self._saved.values())

    def after_step(self, job: Running, index: int) -> None:
        """Ask the engine for the sample's state when it is due; it tells it at its next border."""
        step, now_s = job.steps[index], self.clock()
        saved = self._saved.setdefault((job.id, index), _Saved(now_s, step - 1))
        if is_due(step, job.num_steps, saved.step, now_s - saved.asked_s, self.terms):
            self._ask(job, index, saved)

    def ask_all(self, job: Running) -> None:
        """Ask for every sample that has been stepped, due or not; of the others there is nothing new."""
        if self.are_kept:
            for index in job.unfinished:
                saved = self._saved.get((job.id, index))
                if saved is not None and job.steps.get(index, 0) < job.num_steps:
                    self._ask(job, index, saved)

    def is_waiting(self, job: Running) -> bool:
        """True while a state that was asked for is neither kept nor obsolete."""
        waiting = (self._saved.get((job.id, index)) for index in job.unfinished)
        return any(saved is not None and saved.is_waiting for saved in waiting)

    async def keep(self, job: Running, index: int, event: SampleSaved) -> None:
        """Store it in the place of the last one, and note it for the queue; over the budget it is let go.

        So is that of a job which has ended or is about to.
        """
        async with job.saving:
            saved = self._saved.get((job.id, index))
            if saved is None:
                return
            try:
                has_room = self.kept_bytes - saved.num_bytes + len(event.content) <= self.terms.budget_bytes
                if has_room and not job.is_ending:
                    key = key_of(job, index)
                    await self.results.put(key, event.content, self.terms.ttl_s)
                    saved.num_bytes = len(event.content)
                    job.unsent.append(Checkpoint(index, event.step, key))
            finally:
                saved.is_waiting = False

    async def take_up(self, job: Running) -> None:
        """Fetch what an earlier holder of the job has left; what is not there is done again."""
        for checkpoint in job.lease.checkpoints:
            content = await self.results.get(checkpoint.key)
            if content is not None:
                job.taken_up[checkpoint.index] = content

    def forget(self, job: Running) -> None:
        """The job is no longer this worker's; what it kept lives for its time."""
        for index in range(job.num_images):
            self._saved.pop((job.id, index), None)

    def keys_of(self, job: Running) -> list[str]:
        """Where checkpoints of the job may be, earlier holders' included."""
        mine = [key_of(job, index) for index in range(job.num_images)] if self.are_kept else []
        return [*mine, *(checkpoint.key for checkpoint in job.lease.checkpoints)]

    def _ask(self, job: Running, index: int, saved: _Saved) -> None:
        saved.asked_s, saved.step, saved.is_waiting = self.clock(), job.steps[index], True
        limit = self.terms.full_up_to_bytes if self.terms.kind is CheckpointKind.FULL else 0
        self.engine.save(job.sample_id(index), limit)


def key_of(job: Running, index: int) -> str:
    """With the lease's token in it: a stale holder writes beside the new one, not over it."""
    return f"{job.id}/{index}/checkpoint/{job.lease.token}"
