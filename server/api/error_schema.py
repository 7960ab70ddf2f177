"""What /docs says of errors: the one envelope, and what each status stands for."""

from typing import Any

ERRORS = {
    "400": "a value is wrong: `param` says which",
    "401": "there are API keys, and none that is good came with the request",
    "404": "there is no such thing, or none of yours",
    "408": "the body did not come in time",
    "413": "the body is too long",
    "415": "the body is of another content type",
    "429": "the queue is full, or this key has spent its rate: come back after Retry-After",
    "500": "it could not be made, or the server failed at it",
    "503": "loading or shutting down: come back after Retry-After",
    "504": "its deadline passed before it was started",
}
ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"], "description": "dotted path of the field"},
                "code": {"type": "string"},
            },
        }
    },
    "example": {
        "error": {
            "message": "n is '0', allowed is a whole number from 1 to 10",
            "type": "invalid_request_error",
            "param": "n",
            "code": "invalid_value",
        }
    },
}
ERROR_REF = {"$ref": "#/components/schemas/Error"}


def answered(text: str, schema: dict[str, Any], *errors: str) -> dict[str, Any]:
    """An operation that answers with JSON, and the statuses of its errors beside those that all have."""
    ok = {"description": text, "content": {"application/json": {"schema": schema}}}
    return {"responses": {"200": ok, **{status: {"description": ERRORS[status]} for status in errors}}}
