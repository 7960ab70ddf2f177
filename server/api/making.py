"""From a checked request to its answer: at once, in events, or as a job."""

from dataclasses import dataclass, replace

from fastapi import Request
from starlette.responses import JSONResponse, Response

from server.access.caller import Caller, check_caps
from server.api.base_url import base_url
from server.api.edge import TRACEPARENT
from server.api.ends import result_from
from server.api.guard import caller_of
from server.api.image_stream import stream_image
from server.api.job_view import job_answer
from server.api.parts import ApiParts
from server.api.request_log import NOTES, notes_of_job, notes_of_result
from server.api.result_images import answer_of
from server.api.run_terms import RunTerms
from server.api.sse import EventStream
from server.api.submitting import new_job, submit
from server.api.telling import check_webhook, deliver, promise, see_to_its_end
from server.api.waiting import wait_for_end
from server.request import ImageRequest, Job
from server.results.inputs import forget_inputs

GENERATION = "image_generation"
"""What the events of a stream are named after, where it is not an edit's."""


@dataclass(frozen=True)
class Making:
    """One request under way."""

    parts: ApiParts
    request: Request
    job: Job
    terms: RunTerms
    caller: Caller


async def make(
    parts: ApiParts, request: Request, wanted: ImageRequest, terms: RunTerms, kind: str = GENERATION
) -> Response:
    """The answer to the request, of the kind that its terms say."""
    if terms.asynchronous:
        job = await start_job(parts, request, wanted, terms)
        return await job_answer(parts, request, job.id, 202)
    making = await _begin(parts, request, wanted, terms)
    return await (_in_events(making, kind) if terms.stream else _at_once(making))


async def start_job(parts: ApiParts, request: Request, wanted: ImageRequest, terms: RunTerms) -> Job:
    """Put the request into the queue and see to its end in the background; the terms are asynchronous."""
    making = await _begin(parts, request, wanted, terms)
    letter = await promise(parts, making.job.id, terms.webhook_url)
    job = await submit(parts, making.job, terms, making.caller, None)
    if job is making.job:
        parts.background.start(see_to_its_end(parts, job))
        if letter is not None and parts.webhooks is not None:
            parts.background.start(deliver(parts, parts.webhooks, letter))
    return job


async def _begin(parts: ApiParts, request: Request, wanted: ImageRequest, terms: RunTerms) -> Making:
    """Raises RequestError or RateLimited where the caller may not have it; what it costs is spent."""
    caller = caller_of(request.scope)
    check_caps(wanted, caller.limits)
    check_webhook(parts.webhooks, terms)
    if not terms.stream and not terms.asynchronous:
        wanted = replace(wanted, partial_images=0)  # nobody would see them
    job = new_job(parts, wanted, terms, caller, parts.new_id())
    job = replace(job, traceparent=request.scope[TRACEPARENT])
    request.scope[NOTES] |= notes_of_job(job, parts.limits.log_prompts)
    await parts.access.rates.spend(caller, job.cost)
    return Making(parts, request, job, terms, caller)


async def _at_once(making: Making) -> Response:
    """Wait for the images. Those that nobody can ask for again are not kept."""
    parts, request, terms = making.parts, making.request, making.terms
    waiter = parts.new_id()
    job = await submit(parts, making.job, terms, making.caller, waiter)
    result = result_from(await wait_for_end(parts.queue, job.id, waiter, request))
    await forget_inputs(parts.results, job.request)
    request.scope[NOTES] |= notes_of_result(result)
    parts.metrics.generation_done(job.request.cache, result.timings)
    answer = await answer_of(parts, job, result, base_url(request, parts.public_url))
    if terms.once is None and not job.as_url:
        await parts.results.delete(*(image.result_key for image in result.images))
    return JSONResponse(answer, headers={"x-job-id": job.id})


async def _in_events(making: Making, kind: str) -> Response:
    """The stream waits for the job as a client does."""
    parts = making.parts
    waiter = parts.new_id()
    job = await submit(parts, making.job, making.terms, making.caller, waiter)
    return EventStream(
        stream_image(parts, job, kind, making.request.scope[NOTES]),
        parts.heartbeat_s,
        on_hang_up=lambda: parts.queue.detach(job.id, waiter),
        headers={"x-job-id": job.id},
    )
