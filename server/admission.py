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
    """Images finished a second of work: an exponential average over about ``window`` images.

    Images of one batch end together after a long wait, so that each interval weighs as much as it is long: the
    rate is a decayed sum of images over a decayed sum of seconds. Idle time counts for nothing.
    """

    window: int = 50
    images: float = 0.0
    busy_s: float = 0.0
    since_s: float | None = None

    def began(self, now_s: float) -> "ServiceRate":
        """There is work from ``now_s`` on; nothing changes when there was work already."""
        return self if self.since_s is not None else replace(self, since_s=now_s)

    def finished(self, now_s: float) -> "ServiceRate":
        """One more image at ``now_s``."""
        keep = 1 - 1 / self.window
        gap = 0.0 if self.since_s is None else now_s - self.since_s
        return replace(self, images=keep * self.images + 1, busy_s=keep * self.busy_s + gap, since_s=now_s)

    def idle(self) -> "ServiceRate":
        """The server ran out of work."""
        return replace(self, since_s=None)

    @property
    def images_per_s(self) -> float | None:
        """None until work has been measured."""
        return self.images / self.busy_s if self.busy_s > 0 else None
