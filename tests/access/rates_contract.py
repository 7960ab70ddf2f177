"""What a key may spend, whatever keeps the buckets."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from server.access.caller import Caller, Limits
from server.access.rates import LONGEST_WAIT_S, Rates
from server.errors import RateLimited

KEY = Caller("k", "t", limits=Limits(cost_per_s=2.0, burst=4.0))
NEAR_S = 0.05
"""A Redis whose clock the test moves ahead goes on ticking in between."""


async def wait_of(rates: Rates, caller: Caller, cost: float) -> float:
    """How long the caller is told to wait; what it asks for is not to be had now."""
    with pytest.raises(RateLimited) as refused:
        await rates.spend(caller, cost)
    return refused.value.retry_after_s


class RatesContract:
    """Subclasses say how buckets are made, and how time passes for them."""

    async def make(self) -> Rates:
        raise AssertionError("the back end's test class makes the buckets")

    async def done(self) -> None:
        """Let go of what ``make`` has opened."""

    def pass_s(self, seconds: float) -> None:
        raise AssertionError("the back end's test class lets time pass")

    def run(self, scenario: Callable[[Rates], Awaitable[None]]) -> None:
        async def whole() -> None:
            rates = await self.make()
            try:
                await scenario(rates)
            finally:
                await self.done()

        asyncio.run(whole())

    def test_a_key_s_rate_is_on_cost_and_comes_back_with_time(self) -> None:
        async def scenario(rates: Rates) -> None:
            for cost in (3.0, 1.0):
                await rates.spend(KEY, cost)
            assert await wait_of(rates, KEY, 3.0) == pytest.approx(1.5, abs=NEAR_S)
            self.pass_s(1.5)
            await rates.spend(KEY, 3.0)
            assert await wait_of(rates, KEY, 3.0) == pytest.approx(1.5, abs=NEAR_S)

        self.run(scenario)

    def test_what_is_given_back_may_be_spent_again_and_fills_no_bucket_over_its_burst(self) -> None:
        async def scenario(rates: Rates) -> None:
            await rates.spend(KEY, 4.0)
            await rates.refund(KEY, 3.0)
            await rates.spend(KEY, 3.0)
            for _ in range(3):
                await rates.refund(KEY, 4.0)
            await rates.spend(KEY, 4.0)
            await wait_of(rates, KEY, 4.0)

        self.run(scenario)

    def test_what_costs_more_than_the_burst_leaves_a_debt(self) -> None:
        async def scenario(rates: Rates) -> None:
            await rates.spend(KEY, 14.0)
            assert await wait_of(rates, KEY, 1.0) == pytest.approx(5.5, abs=NEAR_S)
            self.pass_s(5.6)
            await rates.spend(KEY, 1.0)

        self.run(scenario)

    def test_a_key_s_bucket_is_its_own_and_a_key_without_a_rate_has_none(self) -> None:
        async def scenario(rates: Rates) -> None:
            await rates.spend(KEY, 4.0)
            await rates.spend(Caller("other", "t", limits=KEY.limits), 4.0)
            for _ in range(3):
                await rates.spend(Caller("free", "t"), 1e9)
            await rates.refund(Caller("free", "t"), 1e9)

        self.run(scenario)

    def test_without_a_burst_a_second_s_worth_may_be_spent_at_once_and_no_wait_is_over_two_minutes(self) -> None:
        async def scenario(rates: Rates) -> None:
            slow = Caller("slow", "t", limits=Limits(cost_per_s=0.001))
            await rates.spend(slow, 0.001)
            assert await wait_of(rates, slow, 1.0) == 1.0
            await rates.refund(slow, 0.001)
            await rates.spend(slow, 1.0)
            assert await wait_of(rates, slow, 1.0) == LONGEST_WAIT_S

        self.run(scenario)
