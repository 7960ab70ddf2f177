"""A job's record in Redis, read back."""

import json
from collections.abc import Mapping, Sequence

from server.errors import PayloadError
from server.jobs.event import JobState, StepCounts
from server.jobs.lease import Checkpoint
from server.jobs.payload import job_from_json, result_from_json
from server.jobs.status import JobStatus
from server.request import Job


def status_from(job_id: str, position: int, flat: Sequence[str]) -> JobStatus:
    """``flat`` is fields and values in turn; ``position`` is negative for a job that does not wait."""
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    result = fields.get("result")
    return JobStatus(
        job_id=job_id,
        state=JobState(fields["state"]),
        tenant=fields["tenant"],
        model=fields["model"],
        num_images=int(fields["images"]),
        asynchronous=fields["asynchronous"] == "1",
        submitted_ms=_number(fields, "submitted") or 0,
        started_ms=_number(fields, "started"),
        ended_ms=_number(fields, "ended"),
        deadline_ms=_number(fields, "deadline"),
        position=None if position < 0 else position,
        attempt=_number(fields, "attempts") or 0,
        deaths=_number(fields, "deaths") or 0,
        worker=fields.get("worker"),
        step=_number(fields, "step") or 0,
        num_steps=_number(fields, "num_steps") or 0,
        counts=StepCounts(*(_number(fields, key) or 0 for key in ("full", "detail_hits", "structure_hits"))),
        result=None if result is None else result_from_json(result),
        error=fields.get("error"),
        job=_job(fields.get("job")),
    )


def checkpoints_from(text: str) -> tuple[Checkpoint, ...]:
    """In order of the images; an empty text is none."""
    kept = json.loads(text or "{}").values()
    return tuple(
        sorted((Checkpoint(int(each["index"]), int(each["step"]), each["key"]) for each in kept), key=_index)
    )


def _job(text: str | None) -> Job | None:
    """None where this version cannot read it."""
    try:
        return None if text is None else job_from_json(text)
    except PayloadError:
        return None


def _index(checkpoint: Checkpoint) -> int:
    return checkpoint.index


def _number(fields: Mapping[str, str], key: str) -> int | None:
    value = fields.get(key)
    return None if value is None else int(float(value))
