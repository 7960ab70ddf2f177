"""The list of the pairs that are asked for most."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from server.pair_stats.figures import Figures
from server.pair_stats.interface import FinishedJob, PairKey, PairReport, key_of
from server.pair_stats.memory import MemoryPairStats
from server.request import CacheChoice, CacheCounts

COUNTS = CacheCounts(
    steps=28, full=10, detail_hits=6, structure_hits=12, blocks_run=200, blocks_total=420, flops_ratio=0.5
)


def key(number: int) -> PairKey:
    return PairKey("custom", number / 100, 0.2)


def reported(keys: Sequence[PairKey], listed: int, seconds: float = 1.0) -> PairReport:
    """After one finished job of each of the keys."""

    async def run() -> PairReport:
        stats = MemoryPairStats(lambda: 1000.0, listed)
        for each in keys:
            await stats.record(FinishedJob(each, (COUNTS, COUNTS), seconds))
        return await stats.report()

    return asyncio.run(run())


def test_a_listed_pair_s_figures_are_the_sums_over_its_jobs() -> None:
    report = reported([key(1), key(1), key(2)], listed=4)
    assert report.since_s == 1000.0
    (first, figures), (second, _) = report.pairs
    assert (first, second) == (key(1), key(2))
    assert (figures.count, figures.full, figures.detail_hits, figures.structure_hits) == (2, 40, 24, 48)
    assert figures.skip_share == 1 - 200 / 420
    assert figures.mean_s == 1.0
    assert report.other == Figures()


@given(st.lists(st.integers(0, 12), max_size=200), st.integers(1, 8))
def test_list_and_other_add_up_to_all_jobs(numbers: list[int], listed: int) -> None:
    report = reported([key(number) for number in numbers], listed)
    assert len(report.pairs) <= listed
    everything = Figures()
    for figures in (report.other, *(figures for _, figures in report.pairs)):
        everything.merge(figures)
    assert everything.count == len(numbers)
    assert everything.structure_hits == 24 * len(numbers)
    assert everything.durations.buckets.total() == len(numbers)


@given(st.lists(st.integers(0, 12), max_size=200), st.integers(1, 8))
def test_a_pair_with_more_than_its_share_of_all_jobs_is_listed(numbers: list[int], listed: int) -> None:
    listed_keys = {found for found, _ in reported([key(number) for number in numbers], listed).pairs}
    often = {key(number) for number, count in Counter(numbers).items() if count > len(numbers) / listed}
    assert often <= listed_keys


def test_ten_thousand_passing_pairs_do_not_drive_out_one_that_is_asked_for() -> None:
    keys = [key(0) if turn % 50 == 0 else PairKey("custom", turn / 7, 0.3) for turn in range(10_000)]
    report = reported(keys, listed=256)
    first, figures = report.pairs[0]
    assert first == key(0)
    assert figures.count == 200
    assert len(report.pairs) == 256


def test_a_report_is_not_changed_by_what_comes_after_it() -> None:
    async def run() -> None:
        stats = MemoryPairStats(lambda: 0.0)
        await stats.record(FinishedJob(key(1), (COUNTS,), 1.0))
        before = await stats.report()
        await stats.record(FinishedJob(key(1), (COUNTS,), 1.0))
        assert before.pairs[0][1].count == 1
        assert (await stats.report()).pairs[0][1].count == 2

    asyncio.run(run())


def test_thresholds_are_told_apart_to_four_digits() -> None:
    assert key_of("custom", CacheChoice("fast+", 0.150004, 0.2)) == PairKey("custom", 0.15, 0.2)
    assert key_of("custom", CacheChoice("fast+", 0.1501, 0.2)) == PairKey("custom", 0.1501, 0.2)
    assert key_of("off", CacheChoice("off", None, None)) == PairKey("off", None, None)
