"""A submit in the words of scripts/put.lua, and what it answers."""

import hashlib
from typing import Any

from server.jobs.submit import Accepted, Bound, Bounds, Conflict, Full, Once, PutAnswer
from server.request import Job


def put_args(job: Job, bounds: Bounds, once: Once | None, waiter: str | None, once_ms: int) -> dict[str, Any]:
    """All but the job's own JSON. Keys of any length and any characters become hashes of one length."""
    request = job.request
    return {
        "id": job.id,
        "model": request.model,
        "tenant": job.tenant,
        "images": request.num_images,
        "pixels": request.width * request.height,
        "priority": job.priority,
        "share": job.cost / job.weight,
        "deadline_ms": job.deadline_ms,
        "asynchronous": int(job.asynchronous),
        "once": None if once is None else _hash(once.key),
        "digest": None if once is None else _hash(once.digest),
        "once_ms": once_ms,
        "most": bounds.images,
        "most_of_tenant": bounds.images_of_tenant,
        "key": job.key_id,
        "most_under_way": bounds.under_way,
        "waiter": waiter,
    }


def put_answer(said: str, what: Any) -> PutAnswer:
    """``what`` is a job's id, or of a bound its name, the images counted under it and those allowed."""
    match said:
        case "new" | "known":
            return Accepted(what, is_new=said == "new")
        case "conflict":
            return Conflict(what)
    bound, counted, allowed = what
    return Full(Bound(bound), counted, allowed)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
