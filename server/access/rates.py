"""How fast each key may spend: a bucket a key, filled at its rate. Cost is in the unit of ``server.jobs.cost``."""

from typing import Protocol

from server.access.caller import Caller
from server.errors import RateLimited

SHORTEST_WAIT_S, LONGEST_WAIT_S = 1.0, 120.0
"""Clients honour Retry-After up to 120 s (openai-python)."""


class Rates(Protocol):
    """What each key may still spend. A key without a rate spends as it likes."""

    async def spend(self, caller: Caller, cost: float) -> None:
        """Take it out of the key's bucket. Raises RateLimited, and NotReady where buckets cannot be reached."""
        ...

    async def refund(self, caller: Caller, cost: float) -> None:
        """Give back what was spent for a request that did not get into the queue. Raises nothing."""
        ...


def burst_of(caller: Caller) -> float:
    """What the key may spend at once; a second's worth where that is not set."""
    return caller.limits.burst or caller.limits.cost_per_s or 0.0


def over_the_rate(caller: Caller, cost: float, wait_s: float) -> RateLimited:
    """Why not, and when to come back."""
    may = f"this key may spend {caller.limits.cost_per_s:g} a second and {burst_of(caller):g} at once"
    return RateLimited(f"{may}; this request costs {cost:.3g}", min(max(wait_s, SHORTEST_WAIT_S), LONGEST_WAIT_S))
