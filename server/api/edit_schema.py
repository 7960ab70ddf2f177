"""What /docs says of edits and variations; the checks themselves are in ``editing``."""

from typing import Any

from server.api.schema import GENERATION_DOC

_FILE = {"type": "string", "format": "binary"}
_FIELDS: dict[str, Any] = GENERATION_DOC["requestBody"]["content"]["application/json"]["schema"]["properties"]
_STRENGTH = {
    "type": "number",
    "minimum": 0.01,
    "maximum": 1,
    "description": "how much of the image is drawn anew: 1 is all of it",
}
_IMAGE = {**_FILE, "description": "PNG, JPEG or WebP; resized and cropped to size"}
_ONE_IMAGE = [{"required": ["image"]}, {"required": ["image[]"]}]
_SHARED: dict[str, Any] = {
    **{name: field for name, field in _FIELDS.items() if name != "cache"},
    "image": _IMAGE,
    "image[]": {"type": "array", "items": _IMAGE, "description": "several, where the model takes them"},
    "strength": _STRENGTH,
    "cache": {"type": "string", "description": "a preset's name or a JSON object; or fields such as cache[tau1]"},
}
_EDIT: dict[str, Any] = {
    "type": "object",
    "required": ["prompt"],
    "anyOf": _ONE_IMAGE,
    "properties": {
        **_SHARED,
        "mask": {**_FILE, "description": "as large as the image; what is transparent is redrawn"},
        "input_fidelity": {
            "type": "string",
            "enum": ["high", "low"],
            "description": "has no effect here: see strength",
        },
    },
}
_VARIATION: dict[str, Any] = {"type": "object", "anyOf": _ONE_IMAGE, "properties": _SHARED}


def _document(schema: dict[str, Any]) -> dict[str, Any]:
    responses = dict(GENERATION_DOC["responses"])
    responses["415"] = {**responses["415"], "description": "the body is no form by its content type"}
    return {
        "parameters": GENERATION_DOC["parameters"],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}},
        "responses": responses,
    }


EDIT_DOC: dict[str, Any] = _document(_EDIT)
VARIATION_DOC: dict[str, Any] = _document(_VARIATION)
