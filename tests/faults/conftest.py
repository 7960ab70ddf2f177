"""What the cases share: a Redis, processes over it, images that nobody disturbed, and a time limit."""

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from tests.cluster.conftest import processes, redis
from tests.faults.case import LIMIT_S
from tests.faults.nano_images import NanoImages, undisturbed_images

__all__ = ["in_time", "processes", "redis", "undisturbed"]


@pytest.fixture(autouse=True)
def in_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """A case that hangs fails, and its processes are stopped as after any other failure."""
    if request.node.get_closest_marker("fault") is None:
        yield
        return

    def too_late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the case took more than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def undisturbed() -> NanoImages:
    """Made once, by a cluster of their own to which nothing happens."""
    return undisturbed_images()
