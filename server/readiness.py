"""Whether the process has started, may be given work, and is alive."""

from dataclasses import dataclass
from enum import StrEnum

STALLED_AFTER_S = 30.0
"""An engine loop that has not ticked for so long is taken for hung; one step takes far less."""


class Phase(StrEnum):
    """The life of a serving process."""

    LOADING = "loading"
    SERVING = "serving"
    DRAINING = "draining"


@dataclass
class Readiness:
    """Owned by the composition root, read by the API."""

    phase: Phase = Phase.LOADING

    @property
    def started(self) -> bool:
        """True once the model is loaded."""
        return self.phase is not Phase.LOADING

    def reason_not_ready(self, last_tick_s: float | None, now_s: float) -> str | None:
        """None when new requests are welcome, else why not."""
        if self.phase is not Phase.SERVING:
            return f"the server is {self.phase}"
        if last_tick_s is None or now_s - last_tick_s > STALLED_AFTER_S:
            return "the engine's loop does not tick"
        return None
