"""The two ways to send: at drawn times whatever the server does, or always so many at once."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from load_tests.client import as_reply, generate
from load_tests.orders import Order
from load_tests.outcome import End, Outcome

LEAD_S = 0.05
LONGEST_SLEEP_S = 0.25
"""Linux may end a wait late by a thousandth of it, in a niced process by five (``select_estimate_accuracy`` in its
fs/select.c): after 3 s a request would be sent 3 or 15 ms late."""


@dataclass(frozen=True)
class Pass:
    """A closed loop's wall seconds and what came of its requests, in their order."""

    seconds: float
    outcomes: Sequence[Outcome]

    @property
    def images_per_s(self) -> float:
        """Answered requests over wall time."""
        return sum(outcome.reply.end is End.IMAGE for outcome in self.outcomes) / self.seconds


async def open_loop(
    client: httpx.AsyncClient,
    orders: Sequence[Order],
    on_end: Callable[[Outcome], None],
    clock: Callable[[], float] = time.perf_counter,
) -> list[Outcome]:
    """Send each request when it is due; a slow answer holds back nothing. In the orders' order, without images."""
    start_s = clock() + LEAD_S
    async with asyncio.TaskGroup() as group:
        sent = []
        for order in orders:
            await _sleep_until(start_s + order.due_s, clock)
            sent.append(group.create_task(_send_and_forget_image(client, order, start_s, on_end, clock)))
    return [task.result() for task in sent]


async def closed_loop(
    client: httpx.AsyncClient,
    orders: Sequence[Order],
    in_flight: int,
    on_end: Callable[[Outcome], None],
    clock: Callable[[], float] = time.perf_counter,
) -> Pass:
    """Keep ``in_flight`` requests under way: the most that the server gives. Latencies of it mean nothing."""
    start_s, coming, ended = clock(), iter(orders), list[Outcome]()

    async def one_after_another() -> None:
        for order in coming:
            ended.append(await _send(client, order, start_s, clock() - start_s, on_end, clock))

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(one_after_another())
    return Pass(clock() - start_s, sorted(ended, key=lambda outcome: outcome.index))


async def _sleep_until(at_s: float, clock: Callable[[], float]) -> None:
    """Others have their turn also where it is past already."""
    await asyncio.sleep(0)
    while (left_s := at_s - clock()) > 0:
        await asyncio.sleep(min(left_s, LONGEST_SLEEP_S))


async def _send_and_forget_image(
    client: httpx.AsyncClient,
    order: Order,
    start_s: float,
    on_end: Callable[[Outcome], None],
    clock: Callable[[], float],
) -> Outcome:
    """A long run's images would fill the memory."""
    return (await _send(client, order, start_s, order.due_s, on_end, clock)).without_image()


async def _send(
    client: httpx.AsyncClient,
    order: Order,
    start_s: float,
    due_s: float,
    on_end: Callable[[Outcome], None],
    clock: Callable[[], float],
) -> Outcome:
    """The clock stops before the answer is decoded."""
    sent_s = clock() - start_s
    answer = await generate(client, order.body)
    ended_s = clock() - start_s
    outcome = Outcome(order.index, order.label, due_s, sent_s, ended_s, as_reply(answer), _megapixel_steps(order))
    on_end(outcome)
    return outcome


def _megapixel_steps(order: Order) -> float | None:
    size, steps = order.body.get("size"), order.body.get("num_inference_steps")
    if not isinstance(size, str) or not isinstance(steps, int):
        return None
    width, height = map(int, size.split("x"))
    return width * height * steps / 1e6
