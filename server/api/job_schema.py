"""What /docs says of jobs."""

from typing import Any

from server.api.error_schema import ERROR
from server.api.job_example import JOB_EXAMPLE
from server.api.schema import ANSWER, GENERATION_DOC, ID_KEY, IMAGES, described
from server.jobs.event import JobState

_SECONDS = {"type": ["number", "null"], "description": "seconds since 1970"}
JOB: dict[str, Any] = {
    "type": "object",
    "example": JOB_EXAMPLE,
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "object": {"type": "string", "enum": ["job"]},
        "state": {"type": "string", "enum": [state.value for state in JobState]},
        "model": {"type": "string"},
        "n": {"type": "integer"},
        **dict.fromkeys(("submitted_at", "started_at", "ended_at", "expires_at"), _SECONDS),
        "queue_position": {"type": ["integer", "null"], "description": "jobs before it, null: it does not wait"},
        "attempt": {"type": "integer", "description": "more than 1 when a worker was lost"},
        "step": {"type": "integer", "description": "steps done, over all images"},
        "num_steps": {"type": "integer"},
        "seconds_left": {"type": ["number", "null"], "description": "as measured so far, null before that"},
        "cache": {
            "type": "object",
            "properties": {name: {"type": "integer"} for name in ("full", "detail_hits", "structure_hits")},
        },
        "error": {"type": ["object", "null"]},
        "result": {**ANSWER, "type": ["object", "null"], "description": "not in lists"},
        **{f"{name}_url": {"type": "string"} for name in ("status", "response", "events", "cancel")},
    },
}
_UNKNOWN = {"404": described("there is no such job, or it is another tenant's", ERROR)}
SUBMIT_DOC: dict[str, Any] = {
    **GENERATION_DOC,
    "parameters": [ID_KEY],
    "responses": {
        **{code: told for code, told in GENERATION_DOC["responses"].items() if code not in ("200", "504")},
        "202": described("the job", JOB),
    },
}
JOB_DOC: dict[str, Any] = {"responses": {"200": described("the job", JOB), **_UNKNOWN}}
CANCEL_DOC: dict[str, Any] = {"responses": {"200": described("the job as it is now", JOB), **_UNKNOWN}}
LIST_DOC: dict[str, Any] = {
    "parameters": [
        {
            "name": "limit",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        },
        {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "the last id of a page"},
    ],
    "responses": {
        "200": described(
            "a page, newest first",
            {
                "type": "object",
                "example": {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False},
                "properties": {
                    "object": {"type": "string"},
                    "data": {"type": "array", "items": JOB},
                    "first_id": {"type": ["string", "null"]},
                    "last_id": {"type": ["string", "null"]},
                    "has_more": {"type": "boolean"},
                },
            },
        ),
        "400": described("limit is wrong", ERROR),
        **_UNKNOWN,
    },
}
EVENTS_DOC: dict[str, Any] = {
    "parameters": [
        {
            "name": "Last-Event-ID",
            "in": "header",
            "schema": {"type": "string"},
            "description": "the id of the last event that was seen: the stream goes on behind it",
        }
    ],
    "responses": {
        "200": {
            "description": "events job.queued, job.started, job.step, job.partial_image, and at last "
            "job.finished, job.failed, job.cancelled, job.expired or job.dead",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **_UNKNOWN,
    },
}
RESULT_DOC: dict[str, Any] = {
    "responses": {
        "200": IMAGES,
        "202": described("not ready yet: the job, and Retry-After", JOB),
        **_UNKNOWN,
        "409": described("the job was cancelled", ERROR),
        "410": described("the images are past their life", ERROR),
        "500": described("the images could not be made", ERROR),
        "504": described("the deadline passed before the job was started", ERROR),
    }
}
