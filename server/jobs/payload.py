"""Jobs, results and events as JSON with a version, never pickle.

A reader takes its own version and one to either side: what is missing has its default, what is unknown is passed
over. A field that is added needs a default, and one whose meaning changes needs a new name.
"""

import json
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from server.errors import PayloadError
from server.jobs.event import Ended, Happening, PartialImage, Queued, Started, Stepped
from server.jobs.workers import WorkerInfo
from server.request import Job, JobResult

VERSION = 1
KINDS: dict[str, type[Happening]] = {
    "queued": Queued,
    "started": Started,
    "step": Stepped,
    "partial": PartialImage,
    "ended": Ended,
}
T = TypeVar("T")
ADAPTERS: dict[type, TypeAdapter[Any]] = {
    noun: TypeAdapter(noun) for noun in (Job, JobResult, WorkerInfo, *KINDS.values())
}


def job_to_json(job: Job) -> str:
    """One line."""
    return write(Job, job)


def job_from_json(text: str | bytes) -> Job:
    """Raises PayloadError."""
    return read(Job, text)


def result_to_json(result: JobResult) -> str:
    """One line."""
    return write(JobResult, result)


def result_from_json(text: str | bytes) -> JobResult:
    """Raises PayloadError."""
    return read(JobResult, text)


def event_to_json(what: Happening) -> str:
    """One line, with the kind of event beside the version."""
    for kind, noun in KINDS.items():
        if isinstance(what, noun):
            return write(noun, what, kind=kind)
    raise TypeError(f"{type(what).__name__} is no event")


def event_from_json(text: str | bytes) -> Happening | None:
    """None for a kind of event that this version does not know. Raises PayloadError."""
    noun = KINDS.get(_envelope(text).get("kind", ""))
    return None if noun is None else read(noun, text)


def write(noun: type[T], value: T, **beside: str) -> str:
    """``{"v": version, "body": value, ...}``"""
    body = ADAPTERS[noun].dump_python(value, mode="json")
    return json.dumps({"v": VERSION, **beside, "body": body}, separators=(",", ":"), allow_nan=False)


def read(noun: type[T], text: str | bytes) -> T:
    """The value of an envelope. Raises PayloadError, whose message quotes nothing of the payload's values."""
    envelope = _envelope(text)
    try:
        value: T = ADAPTERS[noun].validate_python(envelope.get("body"), strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise PayloadError(f"payload of {noun.__name__}: {where}: {first['msg'][:200]}") from error
    return value


def _envelope(text: str | bytes) -> dict[str, Any]:
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PayloadError("a payload is not JSON") from error
    if not isinstance(envelope, dict) or not isinstance(envelope.get("v"), int):
        raise PayloadError("a payload has no version")
    if abs(envelope["v"] - VERSION) > 1:
        raise PayloadError(f"a payload of version {envelope['v']}, this server reads {VERSION} and its neighbours")
    return envelope
