"""The requests that the benchmarks send."""

import random

from server.engine.interface import SampleOrder
from server.profile import ModelProfile
from server.request import CacheChoice

TAUS = ((0.08, 0.10), (0.12, 0.15), (0.15, 0.22), (0.20, 0.25), (0.25, 0.35))
COLORS = ("red", "green", "blue", "yellow", "purple", "orange", "white", "black", "pink", "cyan")
SHAPES = ("circle", "square", "triangle", "star", "ring", "cross", "heart", "diamond")


def mixed_orders(profile: ModelProfile, count: int, seed: int) -> list[SampleOrder]:
    """Mixed prompts, thresholds of the paper's rule, steps (20-40), guidance from a seed, at the default size."""
    draw = random.Random(seed)
    orders = []
    for i in range(count):
        background, color = draw.sample(COLORS, 2)
        tau1, tau2 = TAUS[i % len(TAUS)]
        orders.append(
            SampleOrder(
                sample_id=f"{seed}-{i}",
                prompt=f"a large {color} {draw.choice(SHAPES)} at the left on a {background} background",
                width=profile.default_width,
                height=profile.default_height,
                steps=draw.randint(20, 40),
                guidance=draw.choice((2.0, 3.5, 5.0)),
                seed=draw.randrange(2**32),
                cache=CacheChoice("custom", tau1, tau2, method="paper"),
            )
        )
    return orders
