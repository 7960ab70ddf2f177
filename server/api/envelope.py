"""The one shape of every error: {"error": {"message", "type", "param", "code"}}, at most 1,900 bytes."""

import json
import math
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from server.api.quoting import printable, quoted
from server.api.request_log import NOTES
from server.errors import (
    JobCancelled,
    JobExpired,
    JobFailed,
    JobLost,
    KeyConflict,
    NotAllowed,
    NotReady,
    QueueFull,
    RequestError,
    ResultGone,
    ServerError,
    ShuttingDown,
)

MESSAGE_LENGTH = 800
"""Quotes and backslashes take two bytes in JSON: 2 x (800 + 64) and the rest of the envelope fit 1,900 bytes."""
RETRY_WHEN_NOT_READY_S = 5


def error_response(
    status: int,
    message: str,
    kind: str,
    code: str,
    param: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """An error as clients of the OpenAI API expect it. Message and param are ASCII and bounded."""
    error = error_object(message, kind, code, param)
    return Response(json.dumps({"error": error}), status, headers, "application/json")


def error_object(message: str, kind: str, code: str, param: str | None = None) -> dict[str, str | None]:
    """What is under ``error``, also in a stream or beside a job."""
    return {
        "message": printable(message, MESSAGE_LENGTH),
        "type": kind,
        "param": None if param is None else printable(param),
        "code": code,
    }


def object_of(error: ServerError) -> dict[str, str | None]:
    """The same of one of ours."""
    param = error.param if isinstance(error, RequestError) else None
    return error_object(error.message, error.type, error.code, param)


def from_server_error(error: ServerError) -> Response:
    """The tree of errors as HTTP; openai-python repeats 409 and 5xx unless told that it is of no use."""
    headers = {}
    if isinstance(error, QueueFull):
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    if isinstance(error, NotAllowed):
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, NotReady):
        headers["retry-after"] = str(RETRY_WHEN_NOT_READY_S)
    if isinstance(error, ShuttingDown):
        headers["x-job-id"] = error.job_id
    if isinstance(error, RequestError | JobCancelled | JobExpired | JobFailed | KeyConflict | ResultGone):
        headers["x-should-retry"] = "false"
    if isinstance(error, JobLost):
        headers["x-should-retry"] = "true"
    param = error.param if isinstance(error, RequestError) else None
    return error_response(error.status, error.message, error.type, error.code, param, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Ours, the framework's own, and surprises: of those the client is told nothing, and the edge logs them."""

    async def on_server_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, ServerError)
        request.scope[NOTES]["error"] = error.code
        return from_server_error(error)

    async def on_http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        known = f"{printable(request.method)} {quoted(request.scope['path'])}"
        phrase = HTTPStatus(error.status_code).phrase
        code = phrase.lower().replace(" ", "_")
        headers = dict(error.headers or {})
        return error_response(
            error.status_code, f"{phrase}: {known}", "invalid_request_error", code, None, headers
        )

    async def on_validation_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        param = ".".join(map(str, first["loc"][1:]))
        return error_response(400, str(first["msg"]), "invalid_request_error", "invalid_value", param)

    async def on_surprise(_: Request, __: Exception) -> Response:
        return error_response(500, "the server failed at this request", "server_error", "internal_error")

    app.add_exception_handler(Exception, on_surprise)
    app.add_exception_handler(ServerError, on_server_error)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, on_validation_error)
