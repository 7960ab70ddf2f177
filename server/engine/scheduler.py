"""Who runs next: pure rules on shapes, turns and bytes."""

from collections.abc import Mapping, Sequence

Shape = tuple[int, int, int, int]
"""Width and height in pixels, text tokens, and tokens of reference images."""


def num_admitted(
    needed_bytes: Sequence[int], running_bytes: int, num_running: int, max_batch: int, budget_bytes: int
) -> int:
    """How many of the waiting samples, in their order, may start now.

    Nobody overtakes. A sample that the budget can never hold runs alone rather than never.
    """
    admitted = 0
    for needed in needed_bytes:
        if num_running >= max_batch:
            break
        if num_running > 0 and running_bytes + needed > budget_bytes:
            break
        admitted, num_running, running_bytes = admitted + 1, num_running + 1, running_bytes + needed
    return admitted


def choose_shape(last_turns: Mapping[Shape, int]) -> Shape | None:
    """The shape whose last turn is longest ago, so that none starves; None when nothing runs."""
    return min(last_turns, key=lambda shape: last_turns[shape], default=None)
