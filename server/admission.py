"""Whether a request may wait: pure rules on numbers."""

import math
from dataclasses import dataclass, replace

SHORTEST_WAIT_S, LONGEST_WAIT_S = 1.0, 120.0
"""Clients honour Retry-After up to 120 s (openai-python)."""
UNMEASURED_WAIT_S = 5.0
"""The hint before any image has been finished."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """There is room for the whole request."""


@dataclass(frozen=True, slots=True)
class Refused:
    """There is none; try again after ``retry_after_s``."""

    reason: str
    retry_after_s: float


def decide(
    num_images: int, images_waiting: int, images_running: int, max_waiting: int, images_per_s: float | None
) -> Admitted | Refused:
    """Admit whole or not at all; the queue is counted in images."""
    if images_waiting + num_images <= max_waiting:
        return Admitted()
    reason = f"{images_waiting} images are waiting, allowed are {max_waiting}; this request has {num_images}"
    to_clear = images_waiting + num_images - max_waiting
    return Refused(reason, retry_after_s(to_clear, images_per_s))


def retry_after_s(images_to_clear: int, images_per_s: float | None) -> float:
    """When that many images will have left the queue, at the measured rate; whole seconds, bounded."""
    if images_per_s is None or images_per_s <= 0:
        return UNMEASURED_WAIT_S
    wait = math.ceil(images_to_clear / images_per_s)
    return float(min(max(wait, SHORTEST_WAIT_S), LONGEST_WAIT_S))


@dataclass(frozen=True, slots=True)
class ServiceRate:
    """Images finished a second while there was work: an exponential average over about ``window`` images.

    The interval before the first image, and any interval that began idle, is not counted.
    """

    window: int = 20
    interval_s: float | None = None
    last_s: float | None = None

    def finished(self, now_s: float) -> "ServiceRate":
        """One more image at ``now_s``."""
        if self.last_s is None:
            return replace(self, last_s=now_s)
        gap = max(now_s - self.last_s, 1e-6)
        keep = 1 - 1 / self.window
        interval = gap if self.interval_s is None else keep * self.interval_s + (1 - keep) * gap
        return replace(self, interval_s=interval, last_s=now_s)

    def idle(self) -> "ServiceRate":
        """The server ran out of work: the next interval does not count."""
        return replace(self, last_s=None)

    @property
    def images_per_s(self) -> float | None:
        """None until two images have been finished in a row."""
        return None if self.interval_s is None else 1 / self.interval_s
