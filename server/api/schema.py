"""What /docs says of the request's body and of the answers; the checks themselves are in ``generation``."""

from typing import Any

from server.api.answer_example import ANSWER_EXAMPLE
from server.api.error_schema import ERROR
from server.api.job_example import JOB_EXAMPLE

CACHE: dict[str, Any] = {}
"""Filled in by ``openapi`` for the served model, as the other bounds of a request are."""
_GENERATION: dict[str, Any] = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string"},
        "model": {"type": "string"},
        "n": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
        "size": {"type": "string", "default": "auto", "examples": ["128x128", "auto"]},
        "quality": {"type": "string"},
        "response_format": {"type": "string", "enum": ["b64_json", "url"], "default": "b64_json"},
        "stream": {"type": "boolean", "default": False, "description": "answer in events; n has to be 1"},
        "partial_images": {"type": "integer", "minimum": 0, "maximum": 3, "default": 0},
        "priority": {"type": "integer", "minimum": -10, "maximum": 10, "default": 0},
        "deadline_ms": {"type": "integer", "minimum": 1, "description": "not started by then: a 504"},
        "webhook_url": {"type": "string", "description": "of a job: told of its end, where webhooks are on"},
        "output_format": {"type": "string", "enum": ["png", "jpeg", "webp"], "default": "png"},
        "output_compression": {"type": "integer", "minimum": 0, "maximum": 100, "default": 100},
        "background": {"type": "string", "enum": ["auto", "opaque"]},
        "user": {"type": "string"},
        "num_inference_steps": {"type": "integer", "minimum": 1},
        "guidance_scale": {"type": "number", "minimum": 0},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**53 - 1},
        "negative_prompt": {"type": "string", "description": "what to guide away from, by true_cfg_scale"},
        "true_cfg_scale": {"type": "number", "minimum": 0, "description": "above 1 each step is two rows"},
        "max_sequence_length": {"type": "integer", "minimum": 1, "description": "of the prompt, in tokens"},
        "cache": CACHE,
        "tau1": {},
        "tau2": {},
    },
    "example": {"prompt": "a large red heart at the left on a blue background", "cache": "balanced", "seed": 7},
}
COUNTS: dict[str, Any] = {
    "type": "object",
    "description": "steps = full + detail_hits + structure_hits; taus are null when the cache is off",
    "properties": {
        "preset": {"type": "string"},
        "tau1": {"type": ["number", "null"]},
        "tau2": {"type": ["number", "null"]},
        "method": {"type": "string", "description": "not there when the cache is off"},
        "parameters": {"type": "object", "description": "of a method without two thresholds"},
        "parts": {"type": "object", "description": "of a method put together by parts"},
        **{
            name: {"type": "integer"}
            for name in ("steps", "full", "detail_hits", "structure_hits", "blocks_run", "blocks_total")
        },
        "flops_ratio": {"type": "number", "description": "share of the uncached run's block FLOPs"},
        "nonfinite": {"type": "boolean", "description": "there where numbers overflowed: then all was computed"},
    },
}
_IMAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "b64_json": {"type": "string"},
        "url": {"type": "string"},
        "seed": {"type": "integer"},
        "cache": COUNTS,
        "resumed": {
            "type": "object",
            "description": "another worker took it over after so many steps, without what the cache had held",
            "properties": {"step": {"type": "integer"}, "exact": {"type": "boolean"}},
        },
    },
}
ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "created": {"type": "integer"},
        "model": {"type": "string"},
        "output_format": {"type": "string"},
        "size": {"type": "string"},
        "quality": {"type": "string", "enum": ["low", "medium", "high", "auto"]},
        "background": {"type": "string", "enum": ["opaque"]},
        "data": {"type": "array", "items": _IMAGE},
        "usage": {"type": "object"},
        "cache": {**COUNTS, "description": "sums over the images; flops_ratio is their mean"},
        "timings": {
            "type": "object",
            "description": "milliseconds of the image that was ready last",
            "properties": {
                f"{name}_ms": {"type": "number"} for name in ("queue", "encode", "denoise", "decode", "total")
            },
        },
    },
}


def described(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A response of JSON."""
    return {"description": text, "content": {"application/json": {"schema": schema}}}


ID_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "The same key and body within 24 hours mean the same job; with another body it is a 409.",
}
PREFER: dict[str, Any] = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string", "enum": ["respond-async"]},
    "description": "The answer is a job (202), which is looked at later.",
}
_EVENTS: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string", "description": "with `stream`"}}}
IMAGES = described("the images", {**ANSWER, "example": ANSWER_EXAMPLE})
GENERATION_DOC: dict[str, Any] = {
    "parameters": [ID_KEY, PREFER],
    "requestBody": {"required": True, "content": {"application/json": {"schema": _GENERATION}}},
    "responses": {
        "200": {**IMAGES, "content": {**IMAGES["content"], **_EVENTS}},
        "400": described("a field is wrong: `param` says which", ERROR),
        "404": described("the model is not served here", ERROR),
        "409": described("the job was cancelled, or the Idempotency-Key is another request's", ERROR),
        "410": described("the request with this Idempotency-Key is past its life", ERROR),
        "413": described("the body is too long", ERROR),
        "415": described("the body is no JSON by its content type", ERROR),
        "429": described("the queue is full: come back after Retry-After", ERROR),
        "500": described("the image could not be made", ERROR),
        "202": described("with `Prefer: respond-async`: the job", {"type": "object", "example": JOB_EXAMPLE}),
        "503": described("loading or shutting down: come back after Retry-After", ERROR),
        "504": described("the deadline passed before the job was started", ERROR),
    },
}
