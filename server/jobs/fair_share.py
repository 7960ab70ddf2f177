"""Whose turn it is: start-time fair queueing between tenants, priority within one.

Every job gets a tag at its submit; the lowest tag is served first, and the virtual time is the highest tag served.
Under constant backlog tenants get shares of cost in proportion to their weights (Goyal, Vin and Cheng 1996). A
tenant that comes back after a pause starts at the virtual time: it has saved up nothing.

A tenant's tags are its places in the line. Which of its jobs takes which place is the tenant's own affair: the
most urgent one takes the first.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


def next_tag(virtual_time: float, last_tag: float, cost: float, weight: float) -> float:
    """The tag of a tenant's next job. ``last_tag`` is the tag of its job before, 0 when there is none."""
    return max(virtual_time, last_tag) + cost / weight


Place = tuple[float, int]
"""A tag, and a number that counts the submits, for tags that are equal."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting job as the line sees it. ``returned``: lost with its worker, hence to be served first."""

    job_id: str
    tenant: str
    priority: int
    arrival: int
    place: Place
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """``job_id`` is served at ``place``, which may have been given to another job of its tenant."""

    job_id: str
    place: Place


def line(waiting: Iterable[Waiting]) -> list[Turn]:
    """The order of service: jobs that came back first, then the tenants' places by their tags."""
    places = sorted(waiting, key=lambda job: (not job.returned, job.place))
    urgent: dict[str, list[str]] = defaultdict(list)
    for job in sorted(places, key=lambda job: (job.priority, -job.arrival)):
        if not job.returned:
            urgent[job.tenant].append(job.job_id)
    return [Turn(job.job_id if job.returned else urgent[job.tenant].pop(), job.place) for job in places]
