"""The requests of one run, drawn from the mix before it starts."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from load_tests.arrivals import poisson_times
from load_tests.mix import Mix, Pair


@dataclass(frozen=True, slots=True)
class Order:
    """One request: its body, its pair's label, and when it is due, in seconds from the run's start."""

    index: int
    label: str
    body: Mapping[str, Any]
    due_s: float = 0.0


def timed_orders(mix: Mix, count: int, rate: float, seed: int) -> list[Order]:
    """An open loop's requests. Their bodies depend on the seed alone: all rates see the same work."""
    times = poisson_times(count, rate, seed)
    return [
        replace(order, due_s=due_s) for order, due_s in zip(mixed_orders(mix, count, seed), times, strict=True)
    ]


def mixed_orders(mix: Mix, count: int, seed: int) -> list[Order]:
    """Requests over all pairs by their weights, due at once."""
    draw = random.Random(f"pairs {seed}")
    pairs = draw.choices(mix.pairs, [pair.weight for pair in mix.pairs], k=count)
    bodies = bodies_of(mix, count, seed)
    return [
        Order(index, pair.label, {**body, **pair.body})
        for index, (pair, body) in enumerate(zip(pairs, bodies, strict=True))
    ]


def orders_of_pair(mix: Mix, pair: Pair, count: int, seed: int) -> list[Order]:
    """Requests under one pair, due at once: the same prompts, seeds and sizes for all pairs."""
    return [
        Order(index, pair.label, {**body, **pair.body}) for index, body in enumerate(bodies_of(mix, count, seed))
    ]


def bodies_of(mix: Mix, count: int, seed: int) -> list[dict[str, Any]]:
    """Everything but the pair."""
    draw = random.Random(f"bodies {seed}")
    return [_body(mix, draw) for _ in range(count)]


def _body(mix: Mix, draw: random.Random) -> dict[str, Any]:
    body: dict[str, Any] = {"prompt": draw.choice(mix.prompts), "response_format": "b64_json", "n": 1}
    if mix.sizes:
        body["size"] = draw.choices([each.size for each in mix.sizes], [each.weight for each in mix.sizes])[0]
    if mix.steps:
        body["num_inference_steps"] = draw.choice(mix.steps)
    return {**body, "seed": draw.randrange(2**31), **mix.body}
