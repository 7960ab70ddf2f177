"""What a peer is brought to before it is timed: as much skipping as ours, or as good images."""

from dataclasses import dataclass
from enum import StrEnum

from load_tests.fidelity import Fidelity


class Aim(StrEnum):
    """Where the peer's factor is set."""

    SKIPPED = "equal skipping"
    PSNR = "equal PSNR"

    @property
    def rises(self) -> bool:
        """Whether a larger threshold gives more of it."""
        return self is Aim.SKIPPED


@dataclass(frozen=True)
class Measured:
    """Of one closed loop: the share of skipped blocks, images a second, and nearness to the uncached images."""

    skipped: float
    images_per_s: float
    fidelity: Fidelity

    def at(self, aim: Aim) -> float:
        """What the aim is about."""
        return self.skipped if aim is Aim.SKIPPED else self.fidelity.psnr
