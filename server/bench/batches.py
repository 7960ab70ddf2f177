"""How wide a batch computes: where steps that run no block go first, the others meet in one step."""

from dataclasses import replace

from server.bench.engine_run import running_engine
from server.bench.models import load_benchmarked
from server.bench.requests import mixed_orders
from server.bench.throughput import closed_loop
from server.engine.interface import BatchStepped, EngineFact
from server.profile import ModelProfile

REQUESTS = 48


def measure_width(profile: ModelProfile, device: str, method: str, requests: int = REQUESTS) -> float:
    """Rows that compute in a step in which any does; a closed loop of requests with thresholds of their own."""
    model = load_benchmarked(profile, device)
    steps: list[BatchStepped] = []

    def observe(fact: EngineFact) -> None:
        if isinstance(fact, BatchStepped):
            steps.append(fact)

    orders = [
        replace(order, cache=replace(order.cache, method=method))
        for order in mixed_orders(profile, requests, seed=3)
    ]
    with running_engine(model, profile, observe) as (engine, next_end):
        closed_loop(orders, engine.submit, next_end)
    rows = [sum(row.outcome != "structure_hit" for row in step.rows) for step in steps]
    return sum(rows) / sum(count > 0 for count in rows)
