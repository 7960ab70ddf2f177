"""What is asked for, and of what: the two sides of a plan."""

from dataclasses import dataclass

from server.plan.step_times import StepTimes


@dataclass(frozen=True, slots=True)
class Workload:
    """Poisson arrivals of requests for one image each. Seconds are of one image; ``steps`` its denoising steps.

    So many of them are ``computed``, all where it is None: a batch computes together, a round at a time, and who
    comes in between waits for the next. The others go ahead with the round before.
    """

    rate_per_s: float
    steps: int
    encode_s: float = 0.0
    decode_s: float = 0.0
    computed: int | None = None

    @property
    def rounds(self) -> int:
        """How often an image takes part in a batch's computing."""
        return self.computed or self.steps


@dataclass(frozen=True, slots=True)
class Fleet:
    """Workers alike, which take from one queue."""

    workers: int
    max_batch: int
    step_times: StepTimes

    def images_per_s(self, load: Workload) -> float:
        """What it makes at most: full batches, as a queue keeps them, or its decoding where that is slower."""
        by_steps = self.max_batch / (load.steps * self.step_times.of(self.max_batch))
        by_decoding = 1 / load.decode_s if load.decode_s else by_steps
        return self.workers * min(by_steps, by_decoding)
