"""Reuse while the distances from step to step, added up since the last computed one, stay below a threshold."""

from dataclasses import dataclass

from h2cache.checks import check_number, check_numbers
from h2cache.gate import COMPUTE, Decision, Moment, Norm


@dataclass(frozen=True, slots=True)
class Accumulated:
    """TeaCache's rule (arXiv 2411.19108, repository ali-vilab/TeaCache), also DiCache's and SeaCache's.

    ``polynomial``, highest power first, maps a distance to what is added; empty adds the distance itself.
    """

    threshold: float
    polynomial: tuple[float, ...] = ()
    measures = Norm.RELATIVE_L1
    counts_steps = False

    def __post_init__(self) -> None:
        check_number("threshold", self.threshold)
        check_numbers("polynomial", self.polynomial)

    def decide(self, now: Moment) -> Decision:
        """See Gate."""
        if now.distance is None:
            return COMPUTE
        sum_before = now.memory[0] if now.memory else 0.0
        total = sum_before + rescale(now.distance, self.polynomial)
        return Decision(total < self.threshold, (total,))


def rescale(distance: float, polynomial: tuple[float, ...]) -> float:
    """The polynomial's value by Horner's rule."""
    if not polynomial:
        return distance
    value = 0.0
    for coefficient in polynomial:
        value = value * distance + coefficient
    return value
