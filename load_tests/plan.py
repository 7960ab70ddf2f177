"""One benchmark as it was asked for."""

from dataclasses import dataclass, replace
from pathlib import Path

from load_tests.rates import Rate

CURVE = "0.3x,0.6x,0.8x,1x,1.4x,2x"
QUICK_CURVE = "0.5x,1x,2x"


@dataclass(frozen=True)
class Plan:
    """``requests`` a rate and seed, or as many as fill ``seconds``, whichever is more.

    The frontier's closed loops send ``pair_requests`` for each pair, ``in_flight`` at once, ``passes`` times.
    """

    url: str
    mix: str
    rates: tuple[Rate, ...]
    out: Path
    slo_s: float = 10.0
    requests: int = 300
    seconds: float = 0.0
    seeds: int = 2
    in_flight: int = 16
    pair_requests: int = 48
    passes: int = 2
    warm_up: int = 16
    timeout_s: float = 600.0
    key_file: Path | None = None
    command: str = ""


def quick(plan: Plan) -> Plan:
    """A look at whether everything works. Its numbers are not to be quoted."""
    return replace(
        plan,
        requests=30,
        seconds=0.0,
        seeds=1,
        pair_requests=6,
        passes=1,
        warm_up=4,
    )
