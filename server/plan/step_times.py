"""How long a step takes by batch size. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.errors import SettingsError


@dataclass(frozen=True, slots=True)
class StepTimes:
    """``seconds`` of a step by its number of samples, at least one; a mean of several sizes is none of them."""

    seconds: Mapping[float, float]

    def of(self, samples: int) -> float:
        """Straight lines between what is known, the last one carried on; below the smallest size its time."""
        known = sorted(self.seconds.items())
        if samples <= known[0][0]:
            return known[0][1]
        if len(known) == 1:
            return known[0][1] * samples / known[0][0]
        above = next((place for place, (size, _) in enumerate(known) if size >= samples), len(known) - 1)
        (low, low_s), (high, high_s) = known[above - 1 : above + 1]
        return low_s + (high_s - low_s) * (samples - low) / (high - low)

    def scaled(self, share: float) -> "StepTimes":
        """The times when only ``share`` of the work is done."""
        return StepTimes({samples: share * seconds for samples, seconds in self.seconds.items()})


def parse_step_times(text: str) -> StepTimes:
    """``1:0.138,8:1.09``: samples and seconds. Raises SettingsError for anything else."""
    try:
        pairs = [entry.split(":") for entry in text.split(",")]
        seconds: dict[float, float] = {int(samples): float(took) for samples, took in pairs}
    except ValueError as error:
        raise SettingsError(
            f"step times are {text[:64]!r}, allowed is samples:seconds, as 1:0.14,8:1.1"
        ) from error
    if any(samples < 1 or not 0 < took < 3600 for samples, took in seconds.items()):
        raise SettingsError(f"step times are {text[:64]!r}, allowed are 1 sample or more and seconds above 0")
    return StepTimes(seconds)
