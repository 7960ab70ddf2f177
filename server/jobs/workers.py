"""What a worker says of itself while it lives."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """One heartbeat. ``max_images`` and ``most_pixels`` are what it holds at most, ``running`` the images it has.

    ``most_pixels`` None is no bound. ``address`` is where its metrics are, host and port. ``images_per_s`` is
    measured while there is work, None before the first image. ``profile`` is the model's as JSON, for APIs that
    have none of it; it outlives the heartbeat.
    """

    worker: str
    model: str
    version: str
    max_images: int
    running: int = 0
    most_pixels: int | None = None
    address: str | None = None
    draining: bool = False
    images_per_s: float | None = None
    profile: str = ""


def largest_that_fits(workers: list[WorkerInfo], model: str) -> int | None:
    """Pixels of the largest image that a known worker for ``model`` can hold; None when there is no bound."""
    bounds = [worker.most_pixels for worker in workers if worker.model == model]
    known = [bound for bound in bounds if bound is not None]
    return max(known) if known and len(known) == len(bounds) else None
