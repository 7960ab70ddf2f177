"""What /docs says of the answers that tell of the server itself: models, presets, health."""

from typing import Any

from server.api.error_schema import answered
from server.request import ImageInput

_MEASURED = {
    f"measured_{name}": {"type": "number"} for name in ("flops_ratio", "seconds_ratio", "psnr_db", "ssim", "flip")
}
_PRESET: dict[str, Any] = {
    "type": "object",
    "properties": {
        "method": {"type": "string"},
        "tau1": {"type": "number"},
        "tau2": {"type": "number"},
        "warmup": {"type": "integer"},
        "max_consecutive": {"type": "integer"},
        "last_full": {"type": "boolean"},
        **_MEASURED,
    },
}
_MODEL: dict[str, Any] = {
    "type": "object",
    "required": ["id", "object", "sides", "default_size", "presets"],
    "properties": {
        "id": {"type": "string"},
        "object": {"const": "model"},
        "created": {"type": "integer"},
        "owned_by": {"type": "string"},
        "aliases": {"type": "array", "items": {"type": "string"}},
        "sides": {
            "type": "object",
            "description": "pixels",
            "properties": {name: {"type": "integer"} for name in ("min", "max", "multiple")},
        },
        "default_size": {"type": "string"},
        "default_steps": {"type": "integer"},
        "max_steps": {"type": "integer"},
        "default_guidance": {"type": "number"},
        "max_guidance": {"type": "number"},
        "max_images": {"type": "integer", "description": "of a request"},
        "text_length": {"type": "integer", "description": "of a prompt, in tokens"},
        "image_input": {"type": "string", "enum": [kind.value for kind in ImageInput]},
        "max_input_images": {"type": "integer"},
        "default_preset": {"type": "string"},
        "example_prompt": {"type": "string"},
        "presets": {"type": "object", "additionalProperties": _PRESET},
    },
    "example": {
        "id": "flux-nano",
        "object": "model",
        "created": 0,
        "owned_by": "h2serve",
        "aliases": ["nano"],
        "sides": {"min": 64, "max": 192, "multiple": 16},
        "default_size": "128x128",
        "default_steps": 28,
        "max_steps": 100,
        "default_guidance": 3.5,
        "max_guidance": 100.0,
        "max_images": 10,
        "text_length": 16,
        "image_input": "start",
        "max_input_images": 1,
        "default_preset": "balanced",
        "example_prompt": "a large red heart at the left on a blue background",
        "presets": {
            "balanced": {"method": "default", "tau1": 0.15, "tau2": 0.22, "warmup": 0, "last_full": False}
        },
    },
}
_PRESETS: dict[str, Any] = {
    "type": "object",
    "required": ["object", "model", "default", "data"],
    "properties": {
        "object": {"const": "list"},
        "model": {"type": "string"},
        "default": {"type": "string"},
        "quality": {"type": "object", "additionalProperties": {"type": "string"}},
        "data": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "string"},
                    "calibrated": {"type": "boolean"},
                    **_PRESET["properties"],
                },
            },
        },
    },
    "example": {
        "object": "list",
        "model": "flux-nano",
        "default": "balanced",
        "quality": {"low": "fast", "high": "quality"},
        "data": [
            {"id": "off"},
            {"id": "paper", "method": "paper", "tau1": 0.15, "tau2": 0.22, "calibrated": False},
        ],
    },
}


def _status(word: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"const": word}},
        "example": {"status": word},
    }


LIVE_DOC = answered("the process answers", _status("alive"))
STARTED_DOC = answered("the model is loaded", _status("started"), "503")
READY_DOC = answered("new requests are welcome", _status("ready"), "503")
METRICS_DOC: dict[str, Any] = {
    "responses": {
        "200": {
            "description": "Prometheus' text format",
            "content": {
                "text/plain": {"schema": {"type": "string"}, "example": "h2serve_queue_images_waiting 0.0\n"}
            },
        }
    }
}
MODEL_DOC = answered("what it can do", _MODEL, "404")
MODELS_DOC = answered(
    "the models served here",
    {
        "type": "object",
        "required": ["object", "data"],
        "properties": {"object": {"const": "list"}, "data": {"type": "array", "items": _MODEL}},
        "example": {"object": "list", "data": [_MODEL["example"]]},
    },
)
PRESETS_DOC = answered("a model's presets", _PRESETS, "404")
_FIGURES: dict[str, Any] = {
    **{name: {"type": "integer"} for name in ("count", "full", "detail_hits", "structure_hits")},
    "skip_share": {"type": "number", "description": "of blocks"},
    "seconds": {
        "type": "object",
        "properties": {name: {"type": ["number", "null"]} for name in ("mean", "p50", "p90", "p99")},
    },
}
_PAIR: dict[str, Any] = {
    "tau1": {"type": ["number", "null"]},
    "tau2": {"type": ["number", "null"]},
    "preset": {"type": ["string", "null"]},
}
_NO_FIGURES = {
    **dict.fromkeys(("count", "full", "detail_hits", "structure_hits", "skip_share"), 0),
    "seconds": dict.fromkeys(("mean", "p50", "p90", "p99")),
}
STATS_DOC = answered(
    "figures of the threshold pairs asked for most, and of all others together",
    {
        "type": "object",
        "required": ["since", "other", "pairs"],
        "properties": {
            "since": {"type": "integer", "description": "seconds since 1970"},
            "other": {"type": "object", "properties": _FIGURES},
            "pairs": {"type": "array", "items": {"type": "object", "properties": {**_PAIR, **_FIGURES}}},
        },
        "example": {"since": 1764040000, "other": _NO_FIGURES, "pairs": []},
    },
)
