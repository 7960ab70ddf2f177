"""What /docs says of the request's body and of the answers; the checks themselves are in ``generation``."""

from typing import Any

from server.api.answer_example import ANSWER_EXAMPLE

_GENERATION: dict[str, Any] = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string"},
        "model": {"type": "string"},
        "n": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
        "size": {"type": "string", "default": "auto", "examples": ["128x128", "auto"]},
        "quality": {"type": "string"},
        "response_format": {"type": "string", "enum": ["b64_json"]},
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
        **{name: {} for name in ("cache", "tau1", "tau2")},  # filled in by ``openapi``, as the other bounds are
    },
    "example": {"prompt": "a large red heart at the left on a blue background", "cache": "balanced", "seed": 7},
}
_ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"], "description": "dotted path of the field"},
                "code": {"type": "string"},
            },
        }
    },
}
_COUNTS: dict[str, Any] = {
    "type": "object",
    "description": "steps = full + detail_hits + structure_hits; taus are null when the cache is off",
    "properties": {
        "preset": {"type": "string"},
        "tau1": {"type": ["number", "null"]},
        "tau2": {"type": ["number", "null"]},
        **{
            name: {"type": "integer"}
            for name in ("steps", "full", "detail_hits", "structure_hits", "blocks_run", "blocks_total")
        },
        "flops_ratio": {"type": "number", "description": "share of the uncached run's block FLOPs"},
    },
}
_IMAGE: dict[str, Any] = {
    "type": "object",
    "properties": {"b64_json": {"type": "string"}, "seed": {"type": "integer"}, "cache": _COUNTS},
}
_ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "created": {"type": "integer"},
        "model": {"type": "string"},
        "output_format": {"type": "string"},
        "size": {"type": "string"},
        "data": {"type": "array", "items": _IMAGE},
        "usage": {"type": "object"},
        "cache": {**_COUNTS, "description": "sums over the images; flops_ratio is their mean"},
        "timings": {
            "type": "object",
            "description": "milliseconds of the image that was ready last",
            "properties": {
                f"{name}_ms": {"type": "number"} for name in ("queue", "encode", "denoise", "decode", "total")
            },
        },
    },
}


def _described(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


GENERATION_DOC: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _GENERATION}}},
    "responses": {
        "200": _described("the images", {**_ANSWER, "example": ANSWER_EXAMPLE}),
        "400": _described("a field is wrong: `param` says which", _ERROR),
        "404": _described("the model is not served here", _ERROR),
        "409": _described("the job was cancelled", _ERROR),
        "413": _described("the body is too long", _ERROR),
        "415": _described("the body is no JSON by its content type", _ERROR),
        "429": _described("the queue is full: come back after Retry-After", _ERROR),
        "500": _described("the image could not be made", _ERROR),
        "503": _described("loading or shutting down: come back after Retry-After", _ERROR),
    },
}
