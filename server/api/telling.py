"""What is done at the end of a job that nobody waits for, and whom it is told."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from server.api.job_view import describe
from server.api.parts import ApiParts
from server.api.run_terms import RunTerms
from server.api.waiting import STOPPING, end_of
from server.endless import goes_on
from server.errors import NotReady, RequestError, ServerError, ShuttingDown
from server.jobs.status import JobStatus
from server.request import Job
from server.results.inputs import forget_inputs
from server.webhooks.origin import PARAM
from server.webhooks.sender import WebhookSender

LOOK_AGAIN_S = 1.0
T = TypeVar("T")


def check_webhook(webhooks: WebhookSender | None, terms: RunTerms) -> None:
    """Raises RequestError for a ``webhook_url`` that is not told."""
    if terms.webhook_url is None:
        return
    if webhooks is None:
        raise RequestError("webhook_url is given, and webhooks are off here", PARAM)
    if not terms.asynchronous:
        raise RequestError("webhook_url is given, allowed with a job only", PARAM)
    webhooks.check(terms.webhook_url)


async def see_to_its_end(parts: ApiParts, job: Job, webhook_url: str | None) -> None:
    """Count it, forget what it was made from, and tell the receiver."""
    with contextlib.suppress(ServerError):
        end = await _whenever(lambda: end_of(parts.queue, job.id), job.id)
        await forget_inputs(parts.results, job.request)
        if end.result is not None:
            parts.metrics.generation_done(job.request.cache, end.result.timings)
    if webhook_url is not None and parts.webhooks is not None:
        body = await _whenever(lambda: message_of(parts, job.id), job.id)
        if body is not None:
            await parts.webhooks.send(webhook_url, job.id, body)


async def _whenever(call: Callable[[], Awaitable[T]], job_id: str) -> T:
    """What it comes to, also when the store is away for a while. Raises ShuttingDown at the process's end."""
    while goes_on():
        with contextlib.suppress(NotReady):
            return await call()
        await asyncio.sleep(LOOK_AGAIN_S)
    raise ShuttingDown(STOPPING, job_id)


async def message_of(parts: ApiParts, job_id: str) -> bytes | None:
    """None for a job that is not known, or has not ended."""
    status = await parts.queue.status(job_id)
    return None if status is None or not status.state.is_terminal else await message(parts, status)


async def message(parts: ApiParts, status: JobStatus) -> bytes:
    """The body, in ASCII: what ended and how, and the job as GET /v1/jobs/{id} has it.

    Images go by their addresses, however the job was to be answered.
    """
    by_address = replace(status, job=None if status.job is None else replace(status.job, as_url=True))
    said = {
        "type": f"job.{status.state.value}",
        "timestamp": (status.ended_ms or status.submitted_ms) / 1000,
        "data": await describe(parts, by_address, parts.public_url),
    }
    return json.dumps(said, allow_nan=False).encode("ascii")
