"""What /docs says of the request's body; the checks themselves are in ``generation``."""

from typing import Any

_TAU = {"type": "number", "minimum": 0}
_CACHE: dict[str, Any] = {
    "description": "A preset's name, or a preset with overrides, or the paper's rule with what is given.",
    "oneOf": [
        {"type": "string", "examples": ["off", "paper", "fast", "balanced", "quality"]},
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "preset": {"type": "string"},
                "tau1": {**_TAU, "description": "threshold of structure, the double-stream blocks"},
                "tau2": {**_TAU, "description": "threshold of detail, the single-stream blocks"},
                "warmup": {"type": "integer", "minimum": 0, "description": "first steps that are full"},
                "max_consecutive": {"type": "integer", "minimum": 0, "description": "reuses in a row, a stage"},
                "last_full": {"type": "boolean", "description": "the last step is full"},
            },
        },
    ],
}
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
        "cache": _CACHE,
        "tau1": _TAU,
        "tau2": _TAU,
    },
    "example": {"prompt": "a large red heart at the left on a blue background", "cache": "balanced", "seed": 7},
}
_ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("message", "type", "param", "code")},
        }
    },
}
GENERATION_DOC: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _GENERATION}}},
    "responses": {
        str(code): {"description": text, "content": {"application/json": {"schema": _ERROR}}}
        for code, text in (
            (400, "a field is wrong: `param` says which"),
            (404, "the model is not served here"),
            (413, "the body is too long"),
            (415, "the body is no JSON by its content type"),
            (429, "the queue is full: come back after Retry-After"),
            (503, "loading or shutting down"),
        )
    },
}
