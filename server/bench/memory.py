"""Whether the server's memory grows: resident size after 500 requests against after 50."""

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import psutil

FIRST, LAST, CLIENTS = 50, 500, 8
CACHES = ("off", "paper", "fast", "balanced", {"tau1": 0.3, "tau2": 0.3, "max_consecutive": 2})
SIZES = ("64x64", "128x128", "96x64")


@dataclass(frozen=True)
class MemoryGrowth:
    """Resident bytes of the server process."""

    after_first: int
    after_last: int

    @property
    def growth(self) -> float:
        """0.03 is 3 %."""
        return self.after_last / self.after_first - 1


def measure_memory() -> MemoryGrowth:
    """Start ``h2serve serve`` with flux-nano and send mixed small requests, eight at a time."""
    command = [sys.executable, "-m", "server", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = address_of(process.stdout)
            watched = psutil.Process(process.pid)
            send(address, range(FIRST))
            after_first = watched.memory_info().rss
            send(address, range(FIRST, LAST))
            return MemoryGrowth(after_first, watched.memory_info().rss)
        finally:
            process.terminate()


def address_of(lines: Iterable[str]) -> str:
    """The first address that a starting server prints."""
    for line in lines:
        found = re.search(r"http://[0-9.:]+", line)
        if found:
            return found.group()
    raise RuntimeError("the server ended before it was ready")


def send(address: str, numbers: Sequence[int]) -> None:
    """Requests with prompts, sizes, steps and caches of their own."""
    with httpx.Client(base_url=address, timeout=300) as client, ThreadPoolExecutor(CLIENTS) as clients:

        def one(i: int) -> None:
            body = {
                "prompt": f"a red star at the left on a blue background, {i}",
                "seed": i,
                "size": SIZES[i % len(SIZES)],
                "num_inference_steps": 3 + i % 6,
                "cache": CACHES[i % len(CACHES)],
            }
            client.post("/v1/images/generations", json=body).raise_for_status()

        list(clients.map(one, numbers))
