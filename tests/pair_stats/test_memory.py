"""Figures of pairs in memory keep the contract."""

from server.pair_stats.interface import LISTED, PairKey, PairStats, key_of
from server.pair_stats.memory import MemoryPairStats
from server.request import CacheChoice
from tests.pair_stats.contract import PairStatsContract, key


class TestMemoryPairStats(PairStatsContract):
    async def make(self, listed: int) -> PairStats:
        return MemoryPairStats(lambda: 1000.0, listed)

    def test_since_is_when_the_counting_began(self) -> None:
        assert self.reported(key(1)).since_s == 1000.0

    def test_ten_thousand_random_pairs_leave_a_bounded_list(self) -> None:
        assert len(self.reported(*map(key, range(10_000)), listed=LISTED).pairs) == LISTED


def test_thresholds_are_told_apart_to_four_digits() -> None:
    assert key_of("custom", CacheChoice("fast+", 0.150004, 0.2)) == PairKey("custom", 0.15, 0.2)
    assert key_of("custom", CacheChoice("fast+", 0.1501, 0.2)) == PairKey("custom", 0.1501, 0.2)
    assert key_of("off", CacheChoice("off", None, None)) == PairKey("off", None, None)
