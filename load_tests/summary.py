"""One open-loop run in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from load_tests.outcome import End, Outcome
from load_tests.percentile import p99, percentile

MOST_LAG_MS = 10.0
"""Sends later than this at the 99th percentile: the generator was the bottleneck, and the run says nothing."""


@dataclass(frozen=True)
class Summary:
    """Rates a second; latencies in seconds, of answered requests, from when they were due.

    ``goodput`` counts images within the SLO over the time from the start to the last answer, ``attainment`` is
    their share of all requests, refused and failed ones included. None means: too few, or not said by the server.
    """

    offered_rate: float
    seed: int
    requests: int
    images: int
    refused: int
    failed: int
    seconds: float
    images_per_s: float
    goodput: float
    attainment: float
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None
    max_s: float | None
    refused_p90_s: float | None
    megapixel_steps_per_s: float | None
    skipped_blocks: float | None
    lag_p99_ms: float

    @property
    def is_valid(self) -> bool:
        """The generator kept its timetable."""
        return self.lag_p99_ms <= MOST_LAG_MS


def summarise(outcomes: Sequence[Outcome], offered_rate: float, seed: int, slo_s: float) -> Summary:
    """Of one run's requests, at least one."""
    made = [outcome for outcome in outcomes if outcome.reply.end is End.IMAGE]
    refused = [outcome.latency_s for outcome in outcomes if outcome.reply.end is End.REFUSED]
    latencies = [outcome.latency_s for outcome in made]
    good = sum(latency <= slo_s for latency in latencies)
    seconds = max(outcome.ended_s for outcome in outcomes)
    work = [outcome.megapixel_steps for outcome in made if outcome.megapixel_steps is not None]
    return Summary(
        offered_rate=offered_rate,
        seed=seed,
        requests=len(outcomes),
        images=len(made),
        refused=len(refused),
        failed=len(outcomes) - len(made) - len(refused),
        seconds=seconds,
        images_per_s=len(made) / seconds,
        goodput=good / seconds,
        attainment=good / len(outcomes),
        p50_s=percentile(latencies, 0.5),
        p90_s=percentile(latencies, 0.9),
        p99_s=p99(latencies),
        max_s=max(latencies, default=None),
        refused_p90_s=percentile(refused, 0.9),
        megapixel_steps_per_s=sum(work) / seconds if work else None,
        skipped_blocks=skipped_blocks(made),
        lag_p99_ms=1000 * (percentile([outcome.lag_s for outcome in outcomes], 0.99) or 0.0),
    )


def skipped_blocks(outcomes: Sequence[Outcome]) -> float | None:
    """The share of transformer blocks that were not run; None where the server does not say."""
    work = [outcome.reply.work for outcome in outcomes if outcome.reply.work is not None]
    total = sum(each.blocks_total for each in work)
    return 1 - sum(each.blocks_run for each in work) / total if total else None
