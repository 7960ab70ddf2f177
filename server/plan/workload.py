"""What is asked for, and of what: the two sides of a plan."""

from dataclasses import dataclass

from server.plan.step_times import StepTimes


@dataclass(frozen=True, slots=True)
class Workload:
    """Poisson arrivals of requests for one image each. Seconds are of one image; ``steps`` its denoising steps."""

    rate_per_s: float
    steps: int
    encode_s: float = 0.0
    decode_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """Workers alike, which take from one queue."""

    workers: int
    max_batch: int
    step_times: StepTimes

    def images_per_s(self, load: Workload) -> float:
        """What it makes at most: full batches, or its decoding where that is slower."""
        by_steps = max(n / (load.steps * self.step_times.of(n)) for n in range(1, self.max_batch + 1))
        by_decoding = 1 / load.decode_s if load.decode_s else by_steps
        return self.workers * min(by_steps, by_decoding)
