"""Input images live as long as their jobs wait or run, however long that is."""

import asyncio
import contextlib

from server.endless import goes_on
from server.errors import NotReady
from server.jobs.event import JobState
from server.jobs.interface import JobQueue
from server.results.inputs import input_keys
from server.results.interface import ResultStore

LOOKS_A_LIFE = 4
"""So many times in an input image's time to live its job is looked for."""
UNFINISHED = (JobState.QUEUED, JobState.RUNNING)
"""One that runs may come back to wait, when its worker is lost."""


async def keep_inputs_alive(queue: JobQueue, results: ResultStore, ttl_s: float) -> None:
    """For ever. Any API process sees to the jobs of all: the one that took a job in may be gone."""
    while goes_on():
        await asyncio.sleep(ttl_s / LOOKS_A_LIFE)
        with contextlib.suppress(NotReady):
            await prolong_inputs(queue, results, ttl_s)


async def prolong_inputs(queue: JobQueue, results: ResultStore, ttl_s: float) -> None:
    """Let the input images of all jobs without an end live for ``ttl_s`` from now on."""
    depth = await queue.depth()
    found = await queue.list_all(UNFINISHED, depth.images_waiting + depth.images_running)  # each job has an image
    await results.touch([key for status in found if status.job for key in input_keys(status.job.request)], ttl_s)
