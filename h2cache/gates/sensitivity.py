"""Reuse while the model's output cannot have changed much, as its sensitivities tell: SenCache."""

from dataclasses import dataclass

from h2cache.checks import check_count, check_number, check_numbers
from h2cache.errors import H2CacheError
from h2cache.gate import COMPUTE, Decision, Moment, Norm
from h2cache.tables import nearest


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """J_x |x - x_ref| + J_t |t - t_ref| < threshold, and at most ``max_skips`` in a row.

    x are the latents, t their noise level from 0 to 1, ref the last computed step, whose entries of the tables
    ``to_latents`` (J_x) and ``to_time`` (J_t) count; ``times`` has t. Norms are root mean squares, so that no
    threshold depends on the image's size. In the first ``start_share`` of the steps the threshold is ``start``.
    Source: SenCache, arXiv 2602.24208, repository vita-epfl/SenCache.
    """

    threshold: float
    start: float
    to_latents: tuple[float, ...]
    to_time: tuple[float, ...]
    times: tuple[float, ...]
    max_skips: int = 3
    start_share: float = 0.2
    measures = Norm.RMS
    counts_steps = True

    def __post_init__(self) -> None:
        for name in ("threshold", "start", "start_share"):
            check_number(name, getattr(self, name))
        check_count("max_skips", self.max_skips)
        for name in ("to_latents", "to_time", "times"):
            check_numbers(name, getattr(self, name), low=0.0)
        if not self.to_latents:
            raise H2CacheError("to_latents is empty, allowed is one number or more")
        for name in ("to_time", "times"):
            length = len(getattr(self, name))
            if length != len(self.to_latents):
                raise H2CacheError(
                    f"{name} has {length} numbers, allowed are {len(self.to_latents)} as to_latents"
                )

    def decide(self, now: Moment) -> Decision:
        """See Gate."""
        if now.distance is None:
            return COMPUTE
        here, reference = (
            nearest(step, now.num_steps, len(self.times))
            for step in (now.step_index, now.step_index - now.since - 1)
        )
        passed = abs(self.times[here] - self.times[reference])
        error = self.to_latents[reference] * now.distance + self.to_time[reference] * passed
        allowed = self.start if now.step_index < self.start_share * now.num_steps else self.threshold
        return Decision(error < allowed and now.since < self.max_skips)
