"""GET /v1/jobs/{id}/events: a job's log as server-sent events."""

import re
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.api.base_url import base_url
from server.api.job_schema import EVENTS_DOC
from server.api.job_view import describe, own_job
from server.api.parts import ApiParts
from server.api.result_images import bytes_of
from server.api.sse import Events, EventStream, ServerEvent
from server.api.waiting import log_of
from server.errors import ResultGone
from server.jobs.event import Ended, JobEvent, PartialImage, Queued, Started, Stepped

_EVENT_ID = re.compile(r"[0-9]{1,18}(-[0-9]{1,18})?")


def job_events_router(parts: ApiParts) -> APIRouter:
    """The route over its parts."""
    router = APIRouter()

    @router.get("/v1/jobs/{job_id}/events", openapi_extra=EVENTS_DOC)
    async def events(request: Request, job_id: str) -> Response:
        """All that has happened to the job, or all since Last-Event-ID, and then as it happens up to its end."""
        await own_job(parts, request, job_id)
        told = watch(parts, job_id, last_event_id(request), base_url(request, parts.public_url))
        return EventStream(told, parts.heartbeat_s, headers={"x-job-id": job_id})

    return router


def last_event_id(request: Request) -> str | None:
    """Where a watcher goes on; what is no id of ours means the beginning."""
    given = request.headers.get("last-event-id", "")
    return given if _EVENT_ID.fullmatch(given) else None


async def watch(parts: ApiParts, job_id: str, after: str | None, base: str) -> Events:
    """The log's events up to the end. A preview that is past its life is passed over."""
    async for event in log_of(parts.queue, job_id, after):
        try:
            data = await _shape(parts, job_id, event, base)
        except ResultGone:
            continue
        name = f"job.{name_of(event)}"
        yield ServerEvent(name, {"type": name, "job_id": job_id, **data}, event.id)


def name_of(event: JobEvent) -> str:
    """What happened, in a word; of an end, which."""
    match event.what:
        case Queued():
            return "queued"
        case Started():
            return "started"
        case Stepped():
            return "step"
        case PartialImage():
            return "partial_image"
        case Ended(state):
            return state.value


async def _shape(parts: ApiParts, job_id: str, event: JobEvent, base: str) -> dict[str, Any]:
    match event.what:
        case Queued(position):
            return {"queue_position": position}
        case Started(attempt):
            return {"attempt": attempt}
        case Stepped(step, num_steps, counts):
            hits = {"detail_hits": counts.detail_hits, "structure_hits": counts.structure_hits}
            return {"step": step, "num_steps": num_steps, "cache": {"full": counts.full, **hits}}
        case PartialImage(index, key, number):
            return {"image": index, "partial_image_index": number, "b64_json": await bytes_of(parts, key)}
        case Ended():
            status = await parts.queue.status(job_id)
            return {} if status is None else {"job": await describe(parts, status, base)}
