"""How a request is to be run, beside what it asks for: now or later, whose turn, and where the images go."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import Headers

from server.api.fields import boolean, integer, one_of, text
from server.errors import RequestError
from server.jobs.submit import Once
from server.request import PRIORITIES

LONGEST_URL = 2048
LONGEST_DEADLINE_MS = 86_400_000
RESPONSE_FORMATS = ("b64_json", "url")
_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
class RunTerms:
    """See ``server.request.Job``. ``stream``: the answer comes in events. ``webhook_url`` is told of its end."""

    priority: int = 0
    deadline_ms: int | None = None
    asynchronous: bool = False
    as_url: bool = False
    stream: bool = False
    once: Once | None = None
    webhook_url: str | None = None


def parse_terms(body: Mapping[str, Any], headers: Headers, digest: str) -> RunTerms:
    """``digest`` is the body's, by which an Idempotency-Key tells the same request from another."""
    priority = integer(body, "priority", PRIORITIES.start, PRIORITIES.stop - 1)
    terms = RunTerms(
        priority=0 if priority is None else priority,
        deadline_ms=integer(body, "deadline_ms", 1, LONGEST_DEADLINE_MS),
        asynchronous=prefers_async(headers),
        as_url=one_of(body, "response_format", RESPONSE_FORMATS) == "url",
        stream=bool(boolean(body, "stream")),
        once=once_of(headers, digest),
        webhook_url=text(body, "webhook_url", LONGEST_URL),
    )
    if terms.stream:
        _refuse_what_does_not_stream(body, terms)
    return terms


def as_job(terms: RunTerms) -> RunTerms:
    """The same for later. Raises RequestError for what only has a meaning at once."""
    if terms.stream:
        raise RequestError("stream is true, allowed for a job is false: its events have an address", "stream")
    return replace(terms, asynchronous=True)


def _refuse_what_does_not_stream(body: Mapping[str, Any], terms: RunTerms) -> None:
    if (integer(body, "n", 1, 2**31) or 1) > 1:
        raise RequestError("n is more than 1, allowed with stream is 1", "n")
    if terms.as_url:
        raise RequestError("response_format is 'url', allowed with stream is b64_json", "response_format")
    if terms.asynchronous:
        raise RequestError("stream is true, allowed with 'Prefer: respond-async' is false", "stream")


def prefers_async(headers: Headers) -> bool:
    """RFC 7240's respond-async is among the preferences."""
    wishes = ",".join(headers.getlist("prefer")).split(",")
    return any(wish.split(";")[0].strip().lower() == "respond-async" for wish in wishes)


def once_of(headers: Headers, digest: str) -> Once | None:
    """The client's key, with what its body was. Raises RequestError."""
    key = headers.get("idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise RequestError("Idempotency-Key is wrong, allowed are 1 to 255 ASCII characters without blanks")
    return Once(key, digest)


def digest_of(body: Mapping[str, Any]) -> str:
    """The same for bodies that mean the same JSON, in whatever order and with whatever blanks."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
