"""When requests are due: a Poisson process, drawn before the run."""

import itertools
import random


def poisson_times(count: int, rate: float, seed: int) -> list[float]:
    """``count`` times in seconds from the start at ``rate`` a second on average, the same for the same seed."""
    draw = random.Random(f"arrivals {seed}")
    return list(itertools.accumulate(draw.expovariate(rate) for _ in range(count)))
