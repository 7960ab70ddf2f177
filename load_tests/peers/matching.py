"""The factor at which a peer is where our server is, in skipped blocks or in PSNR, by bisection."""

import math
from collections.abc import Awaitable, Callable

from load_tests.errors import LoadTestError

LOWEST, HIGHEST = 0.05, 20.0
MOST_TRIES = 12


async def matching_factor(
    measured_at: Callable[[float], Awaitable[float]], wanted: float, tolerance: float, *, rises: bool, name: str
) -> float:
    """``measured_at`` gives a measure, called ``name``, which ``rises`` or falls with the factor.

    Raises LoadTestError where it is nowhere within ``tolerance`` of ``wanted``.
    """
    low, high, found = LOWEST, HIGHEST, 0.0
    for _ in range(MOST_TRIES):
        factor = math.sqrt(low * high)
        found = await measured_at(factor)
        if abs(found - wanted) <= tolerance:
            return factor
        low, high = (factor, high) if (found < wanted) == rises else (low, factor)
    raise LoadTestError(f"the peer's {name} is {found:.3f} at best, wanted is {wanted:.3f} within {tolerance:.2g}")
