"""The factor at which a peer skips as many blocks as our server does, by bisection."""

import math
from collections.abc import Awaitable, Callable

from load_tests.errors import LoadTestError

TOLERANCE = 0.02
LOWEST, HIGHEST = 0.02, 8.0
MOST_TRIES = 14


async def matching_factor(skipped_at: Callable[[float], Awaitable[float]], wanted: float) -> float:
    """``skipped_at`` gives the skipped share, which rises with the factor. Raises LoadTestError."""
    low, high, found = LOWEST, HIGHEST, 0.0
    for _ in range(MOST_TRIES):
        factor = math.sqrt(low * high)
        found = await skipped_at(factor)
        if abs(found - wanted) <= TOLERANCE * wanted:
            return factor
        low, high = (factor, high) if found < wanted else (low, factor)
    raise LoadTestError(f"the peer skips {found:.3f} of the blocks at best, wanted is {wanted:.3f} within 2 %")
