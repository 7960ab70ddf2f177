"""From the bytes of a request to a JSON object, strictly and within bounds."""

import json
import math
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
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
    return parse_object(b"".join([chunk async for chunk in chunks_of(request, limit_bytes)]))


async def chunks_of(request: Request, limit_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body as it arrives. Reading stops at the limit, whether or not the length was announced."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > limit_bytes:
        raise _too_large(limit_bytes)
    length = 0
    try:
        async for chunk in request.stream():
            length += len(chunk)
            if length > limit_bytes:
                raise _too_large(limit_bytes)
            yield chunk
    except ClientDisconnect as error:
        raise JobCancelled("the client hung up while sending") from error


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
    faults = Faults()
    parsed = _loads(text, faults)
    if not isinstance(parsed, dict):
        raise RequestError("the body is JSON but no object, allowed is an object")
    faults.refuse(parsed)
    return parsed


def _loads(text: str, faults: "Faults") -> object:
    try:
        parsed: object = json.loads(
            text,
            parse_constant=faults.to_float,
            parse_float=faults.to_float,
            object_pairs_hook=faults.to_object,
        )
    except json.JSONDecodeError as error:
        raise RequestError(f"the body is not JSON at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise RequestError("the body is nested too deeply") from error
    except ValueError as error:
        raise RequestError("an integer in the body has too many digits") from error
    return parsed


@dataclass
class Faults:
    """What JSON allows or Python's parser lets pass and we do not, noted while parsing, refused with its place."""

    not_finite: list[str] = field(default_factory=list)
    repeated: list[tuple[dict[str, Any], str]] = field(default_factory=list)

    def to_float(self, digits: str) -> float:
        """NaN, Infinity and numbers beyond a float are noted."""
        value = float(digits)
        if not math.isfinite(value):
            self.not_finite.append(digits)
        return value

    def to_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """A key given twice is noted: parsers disagree on which of the two counts, so that neither does."""
        found = dict(pairs)
        if len(found) < len(pairs):
            ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
            self.repeated.append((found, key))
        return found

    def refuse(self, parsed: dict[str, Any]) -> None:
        """Raise RequestError for the first fault; ``param`` is its dotted path."""
        if self.repeated:
            place, key = self.repeated[0]
            path = next((path for path, value in _walk(parsed) if value is place), "")
            raise RequestError(f"key {quoted(key)} is given twice, allowed is once", _joined(path, key))
        if self.not_finite:
            what = f"number {quoted(self.not_finite[0])} is not finite, allowed are finite numbers"
            raise RequestError(what, next((path for path, value in _walk(parsed) if _is_not_finite(value)), None))


def _is_not_finite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _walk(parsed: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Every value with its dotted path; a place in a list has the list's path."""
    pending: list[tuple[str, object]] = [("", parsed)]
    while pending:
        path, value = pending.pop()
        yield path, value
        if isinstance(value, dict):
            pending += [(_joined(path, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            pending += [(path, inner) for inner in value]


def _joined(path: str, key: str) -> str:
    return printable(f"{path}.{key}" if path else key)
