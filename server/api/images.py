"""POST /v1/images/generations: admit, wait for the job's end, answer."""

import asyncio
import contextlib
from typing import Any

from fastapi import APIRouter, Request

from server.access.caller import Caller, check_caps
from server.admission import Refused, decide
from server.api.answer import shape_answer
from server.api.body import read_json
from server.api.generation import parse_generation
from server.api.guard import caller_of
from server.api.parts import ApiParts
from server.api.request_log import NOTES, notes_of_job, notes_of_result
from server.api.schema import GENERATION_DOC
from server.errors import JobCancelled, JobExpired, JobFailed, NotReady, QueueFull
from server.jobs.cost import cost, expected_share
from server.jobs.event import Ended, JobState
from server.jobs.interface import JobQueue
from server.jobs.submit import Bounds, Full
from server.request import ImageRequest, Job, JobResult


def images_router(parts: ApiParts) -> APIRouter:
    """The route over its parts."""
    router = APIRouter()

    @router.post("/v1/images/generations", openapi_extra=GENERATION_DOC)
    async def generate(request: Request) -> dict[str, Any]:
        """Make images of a prompt."""
        body = await read_json(request, parts.limits.body_limit_bytes)
        wanted = parse_generation(body, parts.profile, parts.limits, parts.new_seed)
        caller = caller_of(request.scope)
        check_caps(wanted, caller.limits)
        job = new_job(parts, wanted, caller)
        notes = request.scope[NOTES]
        notes |= notes_of_job(job, parts.limits.log_prompts)
        with parts.access.usage.under_way(caller, wanted.num_images, job.cost):
            await submit(parts, job, caller)
            result = await result_of(parts.queue, job.id, request)
            notes |= notes_of_result(result)
            parts.metrics.generation_done(wanted.cache, result.timings)
            return await answer(parts, job, result)

    return router


def new_job(parts: ApiParts, wanted: ImageRequest, caller: Caller) -> Job:
    """The request with an id, the time, whose it is and what it will cost."""
    preset = parts.profile.presets.get(wanted.cache.preset)
    share = expected_share(wanted, None if preset is None else preset.measured_flops_ratio)
    return Job(
        parts.new_id(),
        wanted,
        int(1000 * parts.wall_clock()),
        tenant=caller.tenant,
        weight=caller.weight,
        cost=cost(wanted, share),
    )


async def submit(parts: ApiParts, job: Job, caller: Caller) -> None:
    """Put the job into the queue whole. Raises NotReady or QueueFull, after which the caller has spent nothing."""
    try:
        await put(parts, job)
    except (NotReady, QueueFull):
        parts.access.usage.refund(caller, job.cost)
        raise


async def put(parts: ApiParts, job: Job) -> None:
    """Into the queue, or the reason why not."""
    reason = parts.not_ready()
    if reason is not None:
        raise NotReady(reason)
    bound = parts.limits.max_queue
    if isinstance(await parts.queue.put(job, Bounds(bound, bound)), Full):
        parts.metrics.refused(QueueFull.code)
        depth = await parts.queue.depth()
        count, rate = job.request.num_images, parts.images_per_s()
        said = decide(count, depth.images_waiting, depth.images_running, bound, rate)
        if isinstance(said, Refused):
            raise QueueFull(said.reason, said.retry_after_s)
        raise QueueFull("the queue was full", 1.0)


async def result_of(queue: JobQueue, job_id: str, request: Request) -> JobResult:
    """Wait for the end; a client that hangs up, or a request that is torn down, cancels its job."""
    ending = asyncio.ensure_future(end_of(queue, job_id))
    hanging_up = asyncio.ensure_future(hang_up(request))
    try:
        await asyncio.wait({ending, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            raise JobCancelled("the client hung up")
        return result_from(ending.result())
    finally:
        hanging_up.cancel()
        if not ending.done():
            ending.cancel()
            await queue.cancel(job_id)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(ending, hanging_up, return_exceptions=True)


async def end_of(queue: JobQueue, job_id: str) -> Ended:
    """The job's terminal event."""
    async for event in queue.events(job_id):
        if isinstance(event.what, Ended):
            return event.what
    raise NotReady("the server is shutting down")


async def hang_up(request: Request) -> None:
    """Return when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def result_from(end: Ended) -> JobResult:
    """The result, or the error that the end stands for."""
    if end.state is JobState.CANCELLED:
        raise JobCancelled(end.error or "the job was cancelled")
    if end.state is JobState.EXPIRED:
        raise JobExpired(end.error or "the job expired")
    if end.result is None:
        raise JobFailed(end.error or "the image could not be made")
    return end.result


async def answer(parts: ApiParts, job: Job, result: JobResult) -> dict[str, Any]:
    """Fetch the images and shape the answer; what has been answered is not kept."""
    images = []
    for image in result.images:
        content = await parts.results.get(image.result_key)
        if content is None:
            raise JobFailed("the image was made but is no longer stored")
        images.append(content)
        await parts.results.delete(image.result_key)
    return shape_answer(job, result, images, int(parts.wall_clock()))
