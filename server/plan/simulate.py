"""The queue and the engine in simulated time: who waits, who steps together, when each image is ready. Pure."""

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from server.plan.workload import Fleet, Workload


@dataclass
class _Worker:
    """``running`` has the rounds left by request; ``is_stepping`` is true between a round's begin and its end."""

    running: dict[int, int] = field(default_factory=dict)
    is_stepping: bool = False
    decoder_free_s: float = 0.0


@dataclass
class Simulation:
    """First come, first served. A sample joins its worker's batch between two rounds and leaves it when done.

    Encoding delays a request and holds up nobody; decoding is done by one thread a worker, beside the steps.
    """

    load: Workload
    fleet: Fleet
    arrivals: Sequence[float]

    def __post_init__(self) -> None:
        self._ready_s = [0.0] * len(self.arrivals)
        self._waiting: deque[int] = deque()
        self._workers = [_Worker() for _ in range(self.fleet.workers)]
        # Arrivals, marked by worker -1, and ends of rounds, by time.
        self._events = [(at + self.load.encode_s, -1, number) for number, at in enumerate(self.arrivals)]
        heapq.heapify(self._events)

    def latencies(self) -> list[float]:
        """Seconds from arrival to image, in order of arrival."""
        while self._events:
            now_s, worker, number = heapq.heappop(self._events)
            if worker < 0:
                self._waiting.append(number)
            else:
                self._end_round(self._workers[worker], now_s)
            self._begin_rounds(now_s)
        return [ready - arrived for ready, arrived in zip(self._ready_s, self.arrivals, strict=True)]

    def _begin_rounds(self, now_s: float) -> None:
        """Each idle worker fills its batch; the emptiest one first, as it asks for more."""
        idle = [(len(each.running), index) for index, each in enumerate(self._workers) if not each.is_stepping]
        for _, index in sorted(idle):
            worker = self._workers[index]
            while self._waiting and len(worker.running) < self.fleet.max_batch:
                worker.running[self._waiting.popleft()] = self.load.rounds
            if worker.running:
                worker.is_stepping = True
                step_s = self.fleet.step_times.of(len(worker.running))
                took_s = step_s * self.load.steps / self.load.rounds
                heapq.heappush(self._events, (now_s + took_s, index, 0))

    def _end_round(self, worker: _Worker, now_s: float) -> None:
        worker.is_stepping = False
        for number in list(worker.running):
            worker.running[number] -= 1
            if worker.running[number] == 0:
                del worker.running[number]
                worker.decoder_free_s = max(worker.decoder_free_s, now_s) + self.load.decode_s
                self._ready_s[number] = worker.decoder_free_s


def poisson(rate_per_s: float, requests: int, random: Random) -> list[float]:
    """Times of arrival in seconds, the first after the first gap."""
    return list(_times(rate_per_s, requests, random))


def _times(rate_per_s: float, requests: int, random: Random) -> Iterator[float]:
    at_s = 0.0
    for _ in range(requests):
        at_s += random.expovariate(rate_per_s)
        yield at_s
