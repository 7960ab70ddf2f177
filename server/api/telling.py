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
from server.errors import JobLost, NotReady, RequestError, ServerError, ShuttingDown
from server.jobs.status import JobStatus
from server.request import Job
from server.results.inputs import forget_inputs
from server.webhooks.origin import PARAM
from server.webhooks.outbox import Letter
from server.webhooks.webhooks import Webhooks

LOOK_AGAIN_S = 1.0
T = TypeVar("T")


def check_webhook(webhooks: Webhooks | None, terms: RunTerms) -> None:
    """Raises RequestError for a ``webhook_url`` that is not told."""
    if terms.webhook_url is None:
        return
    if webhooks is None:
        raise RequestError("webhook_url is given, and webhooks are off here", PARAM)
    if not terms.asynchronous:
        raise RequestError("webhook_url is given, allowed with a job only", PARAM)
    webhooks.sender.check(terms.webhook_url)


async def see_to_its_end(parts: ApiParts, job: Job) -> None:
    """Count it, and forget what it was made from."""
    with contextlib.suppress(ServerError):
        end = await _whenever(lambda: end_of(parts.queue, job.id), job.id)
        await forget_inputs(parts.results, job.request)
        if end.result is not None:
            parts.metrics.generation_done(job.request.cache, end.result.timings)


async def promise(parts: ApiParts, job_id: str, webhook_url: str | None) -> Letter | None:
    """Before the job is put, so that none is taken whose end nobody tells. Raises NotReady.

    None where nobody is told. The letter of a job that was not taken is dropped by whoever takes it over.
    """
    if webhook_url is None or parts.webhooks is None:
        return None
    letter = Letter(job_id, webhook_url)
    await parts.webhooks.outbox.hold(letter)
    return letter


async def deliver(parts: ApiParts, webhooks: Webhooks, letter: Letter) -> None:
    """Wait for the job's end and tell it, until it is taken or given up. Who is cancelled leaves it to others."""
    job_id = letter.job_id
    webhooks.in_hand.add(job_id)
    try:
        body = letter.body or await _body_of(parts, job_id)
        if body is not None:
            await _whenever(lambda: webhooks.outbox.hold(replace(letter, body=body)), job_id)
            await webhooks.sender.send(letter.url, job_id, body)
        await _whenever(lambda: webhooks.outbox.drop(job_id), job_id)
    finally:
        webhooks.in_hand.discard(job_id)


async def make_rounds(parts: ApiParts, webhooks: Webhooks) -> None:
    """For ever: say which letters this process holds, and take over those of processes that are no more."""
    while goes_on():
        with contextlib.suppress(NotReady):
            await webhooks.outbox.renew(webhooks.in_hand)
            for letter in await webhooks.outbox.take_over():
                parts.background.start(deliver(parts, webhooks, letter))
        await asyncio.sleep(webhooks.outbox.round_s)


async def _body_of(parts: ApiParts, job_id: str) -> bytes | None:
    """The message, when the job has ended; None for a job that is not known, or no longer."""
    try:
        await _whenever(lambda: end_of(parts.queue, job_id), job_id)
    except JobLost:
        return None
    status = await _whenever(lambda: parts.queue.status(job_id), job_id)
    return None if status is None else await _whenever(lambda: message(parts, status), job_id)


async def _whenever(call: Callable[[], Awaitable[T]], job_id: str) -> T:
    """What it comes to, also when the store is away for a while. Raises ShuttingDown at the process's end."""
    while goes_on():
        with contextlib.suppress(NotReady):
            return await call()
        await asyncio.sleep(LOOK_AGAIN_S)
    raise ShuttingDown(STOPPING, job_id)


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
