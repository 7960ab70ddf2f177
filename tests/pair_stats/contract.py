"""What every implementation of PairStats keeps."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.pair_stats.figures import Figures
from server.pair_stats.interface import FinishedJob, PairKey, PairReport, PairStats
from server.request import CacheCounts

ONE, OTHER = "one", "other"
COUNTS = CacheCounts(28, 10, 6, 12, blocks_run=200, blocks_total=420, flops_ratio=0.5)
# Each implementation's test class holds the laws on its own.
SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
NUMBERS = st.lists(st.integers(0, 12), max_size=60)


def key(number: float) -> PairKey:
    return PairKey("custom", number / 100, 0.2)


class PairStatsContract:
    """Subclasses say how empty statistics are made."""

    async def make(self, listed: int) -> PairStats:
        raise AssertionError("the back end's test class makes the statistics")

    async def done(self, stats: PairStats) -> None:
        """Let go of what ``make`` opened."""

    def run(self, scenario: Callable[[PairStats], Awaitable[None]], listed: int = 4) -> None:
        async def whole() -> None:
            stats = await self.make(listed)
            try:
                await scenario(stats)
            finally:
                await self.done(stats)

        asyncio.run(whole())

    def reported(self, *keys: PairKey, listed: int = 4) -> PairReport:
        """After one finished job of two images of each of the keys, the n-th after n + 1 seconds."""
        reports: list[PairReport] = []

        async def scenario(stats: PairStats) -> None:
            for number, each in enumerate(keys):
                await stats.record(FinishedJob(ONE, each, (COUNTS, COUNTS), 1.0 + number))
            reports.append(await stats.report())

        self.run(scenario, listed)
        return reports[0]

    def test_before_the_first_job_there_is_nothing(self) -> None:
        report = self.reported()
        assert (report.pairs, report.other) == ((), Figures())

    def test_a_listed_pair_s_figures_are_the_sums_over_its_jobs(self) -> None:
        report = self.reported(key(1), key(1), key(2))
        (first, figures), (second, _) = report.pairs
        assert (first, second) == (key(1), key(2))
        assert (figures.count, figures.full, figures.detail_hits, figures.structure_hits) == (2, 40, 24, 48)
        assert figures.skip_share == 1 - 200 / 420
        assert figures.mean_s == 1.5
        assert figures.durations.buckets.total() == 2
        assert report.other == Figures()

    def test_a_rule_without_thresholds_is_a_row_of_its_own(self) -> None:
        off = PairKey("off", None, None)
        assert [each for each, _ in self.reported(off, off, key(1)).pairs] == [off, key(1)]

    @SOME
    @given(NUMBERS, st.integers(1, 8))
    def test_list_and_other_add_up_to_all_jobs(self, numbers: list[int], listed: int) -> None:
        report = self.reported(*map(key, numbers), listed=listed)
        assert len(report.pairs) <= listed
        everything = Figures()
        for figures in (report.other, *(figures for _, figures in report.pairs)):
            everything.merge(figures)
        assert everything.count == len(numbers)
        assert everything.structure_hits == 24 * len(numbers)
        assert everything.durations.buckets.total() == len(numbers)

    @SOME
    @given(NUMBERS, st.integers(1, 8))
    def test_a_pair_with_more_than_its_share_of_all_jobs_is_listed(self, numbers: list[int], listed: int) -> None:
        listed_keys = {found for found, _ in self.reported(*map(key, numbers), listed=listed).pairs}
        often = {key(number) for number, count in Counter(numbers).items() if count > len(numbers) / listed}
        assert often <= listed_keys

    def test_passing_pairs_do_not_drive_out_one_that_is_asked_for(self) -> None:
        keys = [key(0) if turn % 25 == 0 else key(turn) for turn in range(1000)]
        report = self.reported(*keys, listed=64)
        first, figures = report.pairs[0]
        assert (first, figures.count, len(report.pairs)) == (key(0), 40, 64)

    def test_a_report_is_not_changed_by_what_comes_after_it(self) -> None:
        async def scenario(stats: PairStats) -> None:
            await stats.record(FinishedJob(ONE, key(1), (COUNTS,), 1.0))
            before = await stats.report()
            await stats.record(FinishedJob(ONE, key(1), (COUNTS,), 1.0))
            assert before.pairs[0][1].count == 1
            assert (await stats.report()).pairs[0][1].count == 2

        self.run(scenario)

    def test_a_tenant_has_a_list_of_its_own_jobs_and_there_is_one_of_all(self) -> None:
        async def scenario(stats: PairStats) -> None:
            for tenant, number in ((ONE, 1), (OTHER, 1), (OTHER, 2)):
                await stats.record(FinishedJob(tenant, key(number), (COUNTS,), 1.0))
            counts = {
                tenant: {pair: figures.count for pair, figures in (await stats.report(tenant)).pairs}
                for tenant in (None, ONE, OTHER, "nobody")
            }
            assert counts == {
                None: {key(1): 2, key(2): 1},
                ONE: {key(1): 1},
                OTHER: {key(1): 1, key(2): 1},
                "nobody": {},
            }

        self.run(scenario)
