"""From the bytes of a request to a JSON object, strictly and within bounds."""

import json
from typing import Any

from fastapi import Request

from server.api.quoting import quoted
from server.errors import BodyTooLarge, RequestError, UnsupportedMedia


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
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:
            raise _too_large(limit_bytes)
    return bytes(body)


def _too_large(limit_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is too long, allowed are {limit_bytes} bytes")


def parse_object(body: bytes) -> dict[str, Any]:
    """JSON as RFC 8259 has it: UTF-8, no NaN or Infinity, no lone surrogates; numbers that fit a float."""
    if not body:
        raise RequestError("the body is empty, allowed is a JSON object")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(f"the body is not UTF-8 at byte {error.start}") from error
    try:
        parsed = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite_float)
    except json.JSONDecodeError as error:
        raise RequestError(f"the body is not JSON at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise RequestError("the body is nested too deeply") from error
    except ValueError as error:
        raise RequestError("a number in the body is too large") from error
    if not isinstance(parsed, dict):
        raise RequestError(f"the body is a JSON {type(parsed).__name__}, allowed is an object")
    return parsed


def _refuse_constant(name: str) -> float:
    raise RequestError(f"{name} is no JSON number, allowed are finite numbers")


def _finite_float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise RequestError(f"number {quoted(digits)} is too large, allowed are finite numbers")
    return value
