"""Two threads on two CPUs, so that both sides of a comparison have the same machine; a GPU is left as it is."""

import contextlib
import os
from collections.abc import Iterator

import torch

THREADS = 2


@contextlib.contextmanager
def two_cpus() -> Iterator[None]:
    """Torch on two threads and, where the system can pin, the process on two CPUs."""
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    can_pin = hasattr(os, "sched_setaffinity")
    before = os.sched_getaffinity(0) if can_pin else set()
    if can_pin:
        os.sched_setaffinity(0, sorted(before)[:THREADS])
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if can_pin:
            os.sched_setaffinity(0, before)
