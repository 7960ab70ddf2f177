"""How the open loop waits for the time of its next request."""

import asyncio
import selectors

import httpx

from load_tests.loops import LONGEST_SLEEP_S, open_loop
from load_tests.orders import Order


class Watched(selectors.DefaultSelector):
    """Notes how long it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[float] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.timeouts.append(timeout or 0.0)
        return super().select(timeout)


def test_no_wait_is_so_long_that_the_kernel_may_end_it_milliseconds_late() -> None:
    selector, order = Watched(), Order(0, "a", {"prompt": "a star"}, due_s=3 * LONGEST_SLEEP_S)

    async def run() -> list[int]:
        answering = httpx.MockTransport(lambda request: httpx.Response(429, json={}))
        async with httpx.AsyncClient(transport=answering, base_url="http://127.0.0.1") as client:
            return [outcome.reply.status for outcome in await open_loop(client, [order], lambda outcome: None)]

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        assert runner.run(run()) == [429]
    assert LONGEST_SLEEP_S / 2 < max(selector.timeouts) <= LONGEST_SLEEP_S
