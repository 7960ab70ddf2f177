"""``h2serve bench --queue``: the queue's numbers as a table."""

from collections.abc import Callable, Iterator

from server.bench.queue.added import measure_added
from server.bench.queue.orphans import measure_orphans
from server.bench.queue.rate import QueueRate, measure_rate
from server.bench.queue.simulate import simulate
from server.bench.row import Row, print_rows

WORKERS = (1, 2, 4)


def print_queue_table(only: str | None, as_json: bool) -> None:
    """Measure and print."""
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "rate": rate_rows,
        "added": added_rows,
        "orphans": orphan_rows,
    }
    print_rows("h2serve bench --queue", parts, only, as_json)


def print_simulation(workers: int, as_json: bool) -> None:
    """A quarter of the workers, half, and all: does a job cost Redis the same?"""
    sizes = sorted({max(1, workers // 4), max(1, workers // 2), workers})
    parts = {"simulate": lambda: (row for size in sizes for row in simulated_rows(size))}
    print_rows(f"h2serve bench --queue --simulate-workers {workers}", parts, None, as_json)


def rate_rows() -> Iterator[Row]:
    """Jobs a second, and what a job costs Redis."""
    rates = [measure_rate(workers) for workers in WORKERS]
    best = max(rates, key=lambda rate: rate.jobs_per_s)
    each = ", ".join(f"{rate.jobs_per_s:.0f} with {rate.workers}" for rate in rates)
    yield Row("jobs a second", f"{best.jobs_per_s:.0f}", ">= 500", f"best of {each} workers")
    yield from cost_rows(best)


def cost_rows(rate: QueueRate) -> Iterator[Row]:
    """Of the best of them."""
    at = f"with {rate.workers} workers"
    yield Row("Redis' CPU a job", f"{rate.redis_ms:.2f} ms", "<= 1 ms", f"{at}, user and system")
    yield Row("round trips a job", f"{rate.round_trips:.1f}", "<= 10", f"{at}, heartbeats, renewals and all")


def added_rows() -> Iterator[Row]:
    """The distributed mode against the embedded one."""
    got = measure_added()
    yield Row(
        "distributed adds, p50",
        f"{got.added_ms:.1f} ms",
        "<= 15 ms",
        f"{got.distributed_ms:.1f} against {got.embedded_ms:.1f} ms, 50 requests a second",
    )


def orphan_rows() -> Iterator[Row]:
    """After a kill -9."""
    got = measure_orphans()
    yield Row(
        "last orphan runs again",
        f"{got.last_again_s:.1f} s",
        f"<= {got.lease_s + 2:.0f} s",
        f"after kill -9, a lease is {got.lease_s:.0f} s",
    )


def simulated_rows(workers: int) -> Iterator[Row]:
    """One size."""
    got = simulate(workers)
    yield Row(
        f"{workers} simulated workers",
        f"{got.jobs_per_s:.0f} jobs/s",
        "",
        f"{got.pace:.0%} of their pace; CPU of {got.drivers} drivers {got.drivers_share:.0%}, "
        f"of Redis {got.redis_share:.0%}: {got.redis_ms:.2f} ms a job; "
        f"Redis' core is full at {got.knee_jobs_per_s:.0f} jobs/s",
    )
