"""The jobs of the queue's benchmarks: several tenants, each with a key of its own, and results of 100 bytes."""

import hashlib
import itertools
from collections.abc import Callable

from server.jobs.submit import Bounds, Once
from server.request import CacheChoice, CacheCounts, ImageRequest, ImageResult, Job, JobResult, Timings

MODEL = "flux-nano"
RESULT, RESULT_LIFE_S = bytes(100), 60.0
TENANTS = 4
"""Of weights 1 to 4, so that there is something to be fair about."""
WIDE = Bounds(10**6, 10**6)
NO_TIME = Timings(0.0, 0.0, 0.0, 0.0, 0.0)


def bench_job(number: int, asynchronous: bool = False) -> Job:
    """Job ``number``, with the fields that the API fills in."""
    tenant = number % TENANTS
    cache = CacheChoice("balanced", 0.15, 0.22)
    request = ImageRequest("a large red heart on a blue background", MODEL, 1, 128, 128, 28, 3.5, number, cache)
    return Job(f"{number:032x}", request, 0, f"tenant-{tenant}", 1.0 + tenant, cost=0.2, asynchronous=asynchronous)


def once_of(number: int) -> Once:
    """The job's Idempotency-Key."""
    return Once(f"key-{number}", f"body-{number}")


def result_of(job: Job, key: str) -> JobResult:
    """One image of 100 bytes under the key."""
    counts = CacheCounts(28, 8, 4, 16, 200, 420, 0.4)
    digest = hashlib.sha256(RESULT).hexdigest()
    return JobResult((ImageResult(0, job.request.seed, key, counts, NO_TIME, 9, digest),))


def new_tokens(prefix: str) -> Callable[[], str]:
    """Tokens that nobody else has, as long as nobody else has the prefix."""
    numbers = itertools.count()
    return lambda: f"{prefix}-{next(numbers)}"
