"""Buckets in memory keep the contract."""

from server.access.rates import Rates
from server.access.rates_memory import MemoryRates
from tests.access.rates_contract import RatesContract


class TestMemoryRates(RatesContract):
    now_s = 0.0

    async def make(self) -> Rates:
        return MemoryRates(lambda: self.now_s)

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
