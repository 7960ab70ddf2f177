"""From a checked request to a job in the queue."""

from server.access.caller import Caller
from server.access.rates import SHORTEST_WAIT_S
from server.admission import Refused, decide
from server.api.model_choice import model_of
from server.api.parts import ApiParts
from server.api.run_terms import RunTerms
from server.errors import KeyConflict, NotReady, QueueFull, RateLimited, RequestError, ResultGone
from server.jobs.cost import cost, expected_share
from server.jobs.submit import Accepted, Bound, Bounds, Conflict, Full
from server.request import ImageRequest, Job
from server.results.inputs import forget_inputs


def new_job(parts: ApiParts, wanted: ImageRequest, terms: RunTerms, caller: Caller, job_id: str) -> Job:
    """The request with an id, the time, whose it is and what it will cost."""
    profile = model_of(wanted.model, parts.catalogue)
    preset = profile.presets.get(wanted.cache.preset)
    share = expected_share(wanted, None if preset is None else preset.measured_flops_ratio)
    return Job(
        job_id,
        wanted,
        int(1000 * parts.wall_clock()),
        tenant=caller.tenant,
        weight=caller.weight,
        priority=terms.priority,
        deadline_ms=terms.deadline_ms,
        cost=cost(wanted, share, profile.guides_by_two),
        asynchronous=terms.asynchronous,
        as_url=terms.as_url,
        key_id=caller.key_id or None,
    )


async def submit(parts: ApiParts, job: Job, terms: RunTerms, caller: Caller, waiter: str | None) -> Job:
    """Put the job into the queue whole; the one that is there already under the same key is answered instead.

    ``waiter`` waits for it from the start. The caller pays once, and only for what was taken. Raises NotReady,
    QueueFull, RateLimited, KeyConflict, ResultGone, or RequestError for an image that no worker can hold.
    """
    try:
        refuse_what_fits_nowhere(job.request, parts.most_pixels(job.request.model))
        kept = await _put(parts, job, terms, caller, waiter)
    except (NotReady, QueueFull, KeyConflict, ResultGone, RequestError):
        await parts.access.rates.refund(caller, job.cost)
        raise
    if kept is not job:
        await parts.access.rates.refund(caller, job.cost)
        await forget_inputs(parts.results, job.request)
    return kept


def refuse_what_fits_nowhere(request: ImageRequest, most_pixels: int | None) -> None:
    """Raises RequestError. An image of this size would wait for ever."""
    if most_pixels is not None and request.width * request.height > most_pixels:
        size = f"{request.width}x{request.height}"
        raise RequestError(f"size is {size}, the workers here have room for {most_pixels} pixels", "size")


async def _put(parts: ApiParts, job: Job, terms: RunTerms, caller: Caller, waiter: str | None) -> Job:
    """Whoever comes with many others waits for its turn here, not for a connection, which has a time limit."""
    async with parts.submitting:
        return await _put_in_turn(parts, job, terms, caller, waiter)


async def _put_in_turn(parts: ApiParts, job: Job, terms: RunTerms, caller: Caller, waiter: str | None) -> Job:
    reason = parts.not_accepting()
    if reason is not None:
        raise NotReady(reason)
    most = parts.limits.max_queue
    bounds = Bounds(most, most, under_way=caller.limits.max_in_flight)
    answer = await parts.queue.put(job, bounds, terms.once, waiter)
    match answer:
        case Accepted(_, is_new=True):
            return job
        case Accepted(job_id):
            return await _known(parts, job_id)
        case Conflict():
            raise KeyConflict("the Idempotency-Key was used for another request, allowed is a new key for each")
        case Full():
            raise await _refusal(parts, job, answer)


async def _known(parts: ApiParts, job_id: str) -> Job:
    status = await parts.queue.status(job_id)
    if status is None or status.job is None:
        raise ResultGone("the request with this Idempotency-Key was answered, and its result is past its life")
    return status.job


async def _refusal(parts: ApiParts, job: Job, full: Full) -> QueueFull | RateLimited:
    """Why not, and when to come back."""
    count, rate, most = job.request.num_images, parts.images_per_s(None), parts.limits.max_queue
    if full.bound is Bound.KEY:
        reason = f"{full.counted} images of this key are under way, allowed are {full.allowed}"
        return RateLimited(f"{reason}; this request has {count}", SHORTEST_WAIT_S)
    depth = await parts.queue.depth()
    said = decide(count, depth.images_waiting, depth.images_running, most, rate)
    if isinstance(said, Refused):
        return QueueFull(said.reason, said.retry_after_s)
    return QueueFull("the queue was full", SHORTEST_WAIT_S)
