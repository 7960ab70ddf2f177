"""How a worker goes: no new jobs, what ends in the grace time ends, the rest is handed back with its states."""

import asyncio
from collections.abc import Callable, Sequence

from server.worker.rules import ends_in_time
from server.worker.running import Running
from server.worker.worker import Worker

POLL_S = 0.02
SAVE_WITHIN_S = 2.0
"""How long the samples' last states are waited for."""
HAND_IN_WITHIN_S = 5.0
"""How long jobs that have ended may take to be handed in, when the grace time is over."""


async def leave(worker: Worker, grace_s: float, hurry: asyncio.Event, clock: Callable[[], float]) -> None:
    """Return when no job is left, or nobody takes them back. At once when ``hurry`` is set."""
    worker.close()
    until_s = clock() + grace_s
    while worker.book.jobs and not hurry.is_set() and (left_s := until_s - clock()) > 0:
        jobs = worker.book.jobs.values()
        await give_back(
            worker, [job for job in jobs if not ends_in_time(job.steps_left, worker.step_s, left_s)], clock
        )
        await asyncio.sleep(POLL_S)
    try:
        async with asyncio.timeout(SAVE_WITHIN_S + HAND_IN_WITHIN_S):
            await give_back(worker, list(worker.book.jobs.values()), clock)
            while worker.book.jobs:
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        return


async def give_back(worker: Worker, jobs: Sequence[Running], clock: Callable[[], float]) -> None:
    """Have every sample saved that has been stepped, tell the queue where, and release the jobs."""
    if not jobs:
        return
    for job in jobs:
        worker.checkpoints.ask_all(job)
    until_s = clock() + SAVE_WITHIN_S
    while clock() < until_s and any(worker.checkpoints.is_waiting(job) for job in jobs):
        await asyncio.sleep(POLL_S)
    for job in jobs:
        worker.reporting.note(job)
    await worker.reporting.publish()
    await worker.ending.give_back(jobs)
