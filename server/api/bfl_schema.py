"""What /docs says of BFL's shape."""

from typing import Any

from server.api.error_schema import ERROR
from server.api.job_example import JOB_EXAMPLE
from server.api.schema import GENERATION_DOC, ID_KEY, described

_FIELDS: dict[str, Any] = GENERATION_DOC["requestBody"]["content"]["application/json"]["schema"]["properties"]
_OURS = (
    "num_inference_steps",
    "guidance_scale",
    "negative_prompt",
    "true_cfg_scale",
    "max_sequence_length",
    "priority",
    "deadline_ms",
    "cache",
    "tau1",
    "tau2",
)
SUBMIT_DOC: dict[str, Any] = {
    "parameters": [ID_KEY],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["prompt"],
                    "properties": {
                        "prompt": {"type": "string"},
                        "width": {"type": "integer", "minimum": 1},
                        "height": {"type": "integer", "minimum": 1},
                        "steps": {"type": "integer", "minimum": 1},
                        "guidance": {"type": "number", "minimum": 0},
                        "seed": {"type": "integer", "minimum": 0},
                        "prompt_upsampling": {"type": "boolean", "enum": [False]},
                        "safety_tolerance": {"type": "integer", "minimum": 0, "maximum": 6},
                        "output_format": {"type": "string", "enum": ["jpeg", "png", "webp"], "default": "jpeg"},
                        "webhook_url": {"type": "string", "description": "told of the end, where webhooks are on"},
                        **{name: _FIELDS[name] for name in _OURS},
                    },
                    "example": {"prompt": "a small green star at the right on a white background", "seed": 7},
                }
            }
        },
    },
    "responses": {
        "200": described(
            "accepted: look at `polling_url`",
            {
                "type": "object",
                "example": {
                    "id": JOB_EXAMPLE["id"],
                    "polling_url": f"http://127.0.0.1:8000/v1/get_result?id={JOB_EXAMPLE['id']}",
                },
                "properties": {"id": {"type": "string"}, "polling_url": {"type": "string"}},
            },
        ),
        **{
            code: told
            for code, told in GENERATION_DOC["responses"].items()
            if code not in ("200", "202", "404", "500", "504")
        },
    },
}
_RESULT: dict[str, Any] = {
    "type": "object",
    "example": {
        "id": JOB_EXAMPLE["id"],
        "status": "Pending",
        "result": None,
        "progress": 0.25,
        "details": None,
    },
    "properties": {
        "id": {"type": "string"},
        "status": {"type": "string", "enum": ["Task not found", "Pending", "Ready", "Error"]},
        "progress": {"type": ["number", "null"]},
        "result": {
            "type": ["object", "null"],
            "properties": {
                "sample": {"type": "string", "description": "the image's address, good for a while"},
                "prompt": {"type": "string"},
                "seed": {"type": "integer"},
                **{key: {"type": "number"} for key in ("start_time", "end_time", "duration")},
            },
        },
        "details": {"type": ["object", "null"]},
    },
}
GET_RESULT_DOC: dict[str, Any] = {
    "parameters": [{"name": "id", "in": "query", "required": True, "schema": {"type": "string"}}],
    "responses": {
        "200": described("the job", _RESULT),
        "401": described("the key is missing or not good", ERROR),
        "404": described("there is no such job, or it is another tenant's", ERROR),
    },
}
