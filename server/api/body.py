"""From the bytes of a request to a JSON object, strictly and within bounds."""

import json
import math
from collections import Counter
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from server.api.quoting import printable, quoted
from server.errors import BodyTooLarge, JobCancelled, RequestError, UnsupportedMedia


async def read_json(request: Request, limit_bytes: int) -> dict[str, Any]:
    """The body as a JSON object. Raises RequestError (400), BodyTooLarge (413) or UnsupportedMedia (415)."""
    media = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media != "application/json":
        raise UnsupportedMedia(f"content type is {quoted(media)}, allowed is 'application/json'")
    return parse_object(await _read(request, limit_bytes))


async def _read(request: Request, limit_bytes: int) -> bytes:
    """Stop reading at the limit, whether or not the length was announced."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > limit_bytes:
        raise _too_large(limit_bytes)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit_bytes:
                raise _too_large(limit_bytes)
    except ClientDisconnect as error:
        raise JobCancelled("the client hung up while sending") from error
    return bytes(body)


def _too_large(limit_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is too long, allowed are {limit_bytes} bytes")


def parse_object(body: bytes) -> dict[str, Any]:
    """JSON as RFC 8259 has it: UTF-8, finite numbers only, and no key twice in one object."""
    if not body:
        raise RequestError("the body is empty, allowed is a JSON object")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(f"the body is not UTF-8 at byte {error.start}") from error
    not_finite: list[str] = []
    parsed = _loads(text, not_finite)
    if not isinstance(parsed, dict):
        raise RequestError("the body is JSON but no object, allowed is an object")
    if not_finite:
        what = f"number {quoted(not_finite[0])} is not finite, allowed are finite numbers"
        raise RequestError(what, _path_to_not_finite(parsed))
    return parsed


def _loads(text: str, not_finite: list[str]) -> object:
    """Parse; NaN, Infinity and numbers beyond a float are noted, to be refused with their place."""

    def to_float(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            not_finite.append(digits)
        return value

    try:
        parsed: object = json.loads(
            text, parse_constant=to_float, parse_float=to_float, object_pairs_hook=_without_repeats
        )
    except json.JSONDecodeError as error:
        raise RequestError(f"the body is not JSON at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise RequestError("the body is nested too deeply") from error
    except ValueError as error:
        raise RequestError("an integer in the body has too many digits") from error
    return parsed


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Parsers disagree on which of two equal keys counts, so that neither does."""
    found = dict(pairs)
    if len(found) < len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise RequestError(f"key {quoted(key)} is given twice, allowed is once", key)
    return found


def _path_to_not_finite(parsed: dict[str, Any]) -> str | None:
    """The dotted path of a number that is not finite; a place in a list has the list's path."""
    pending: list[tuple[str, object]] = [(printable(key), value) for key, value in parsed.items()]
    while pending:
        path, value = pending.pop()
        if isinstance(value, float) and not math.isfinite(value):
            return path
        if isinstance(value, dict):
            pending += [(printable(f"{path}.{key}"), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            pending += [(path, inner) for inner in value]
    return None
