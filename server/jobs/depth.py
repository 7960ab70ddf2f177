"""How much waits at each priority: a pure rule over the waiting jobs."""

from collections.abc import Iterable

from server.jobs.status import PriorityDepth


def by_priority(waiting: Iterable[tuple[int, int, int]], now_ms: int) -> tuple[PriorityDepth, ...]:
    """``waiting`` has each job's priority, images and submit in ms; the most urgent priority comes first."""
    depths: dict[int, PriorityDepth] = {}
    for priority, images, submitted_ms in waiting:
        known = depths.get(priority, PriorityDepth(priority, 0, 0))
        oldest_ms = max(known.oldest_ms, now_ms - submitted_ms)
        depths[priority] = PriorityDepth(priority, known.images + images, oldest_ms)
    return tuple(depths[priority] for priority in sorted(depths, reverse=True))
