"""Waiting for a job's end, for as long as the client does."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request

from server.errors import JobCancelled, JobLost, ServerError, ShuttingDown
from server.jobs.event import Ended, JobEvent
from server.jobs.interface import JobQueue

STOPPING = "the server is shutting down"


async def wait_for_end(queue: JobQueue, job_id: str, waiter: str, request: Request) -> Ended:
    """The job's end. A client that hangs up no longer waits; whether that cancels the job, the queue knows.

    Raises ShuttingDown when the server stops before, which cancels nothing, nor does a request that is torn down
    from within.
    """
    ending = asyncio.ensure_future(end_of(queue, job_id))
    hanging_up = asyncio.ensure_future(hang_up(request))
    try:
        await asyncio.wait({ending, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            await queue.detach(job_id, waiter)
            raise JobCancelled("the client hung up")
        return ending.result()
    finally:
        hanging_up.cancel()
        ending.cancel()
        await asyncio.gather(ending, hanging_up, return_exceptions=True)


async def end_of(queue: JobQueue, job_id: str) -> Ended:
    """The job's end. Raises ShuttingDown or JobLost when there is none to come."""
    async for event in log_of(queue, job_id):
        if isinstance(event.what, Ended):
            return event.what
    raise ShuttingDown(STOPPING, job_id)


async def log_of(queue: JobQueue, job_id: str, after: str | None = None) -> AsyncIterator[JobEvent]:
    """The events up to the end. ShuttingDown when the watching ends before, JobLost when the job is gone."""
    async for event in queue.events(job_id, after):
        yield event
        if event.is_terminal:
            return
    try:
        status = await queue.status(job_id)
    except ServerError:
        raise ShuttingDown(STOPPING, job_id) from None
    if status is None:
        raise JobLost("the job was accepted, but the queue's store has lost it")
    if not status.state.is_terminal:
        raise ShuttingDown(STOPPING, job_id)


async def hang_up(request: Request) -> None:
    """Return when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
