"""The API's document: what FastAPI knows of the routes, completed by what is true of all of them.

Every operation says every error that it can answer with, and requests say what the served model takes.
"""

import copy
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from server.api.cache_schema import TAU, cache_schema
from server.api.error_schema import ERROR, ERROR_REF, ERRORS
from server.api.guard import OPEN_PATHS
from server.api.job_example import EXAMPLES, JOB_EXAMPLE
from server.api.parts import ApiLimits
from server.profile import ModelProfile

METHODS = ("get", "post", "put", "patch", "delete")
OF_ALL, OF_BODIES = ("500",), ("400", "408", "413", "415")
KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "x-key"},
}


class DocumentedApi(FastAPI):
    """An application whose document is complete. ``profile`` and ``limits`` say what its requests may hold."""

    def __init__(self, profile: ModelProfile, limits: ApiLimits, **given: Any) -> None:
        super().__init__(**given)
        self._profile, self._limits = profile, limits

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi(), self._profile, self._limits)
        return self.openapi_schema


def completed(document: dict[str, Any], profile: ModelProfile, limits: ApiLimits) -> dict[str, Any]:
    """FastAPI's document with all errors, keys, and the served model's bounds."""
    whole = copy.deepcopy(document)
    components = whole.setdefault("components", {})
    components["schemas"] = {"Error": ERROR}  # FastAPI's own are of a validation that it is not asked for
    components["securitySchemes"] = KEYS
    for path, operation in operations(whole):
        complete_operation(path, operation)
        for parameter in operation.get("parameters", ()):
            if (path, parameter["name"]) == ("/v1/models/{name}", "name"):
                parameter["schema"] = {"type": "string", "enum": [profile.name, *profile.aliases]}
    for schema in objects(whole["paths"]):
        fit_to_model(schema["properties"], profile, limits)
        if "image" in schema["properties"]:
            fit_form(schema, profile)
    return whole


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation with its path."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, item[method]


def complete_operation(path: str, operation: dict[str, Any]) -> None:
    """Errors, and what keys are for."""
    responses = operation["responses"]
    responses.pop("422", None)  # ours is a 400
    expected = [*OF_ALL, *(OF_BODIES if "requestBody" in operation else ())]
    if path not in OPEN_PATHS:
        expected += ["401", "503"]
        operation["security"] = [{"bearer": []}, {"key": []}, {}]
    for status in expected:
        responses.setdefault(status, {"description": ERRORS[status]})
    for status, response in responses.items():
        if status >= "400":
            response["content"] = {"application/json": {"schema": ERROR_REF}}
        else:
            add_example(path, status, response)
    operation["responses"] = dict(sorted(responses.items()))


def add_example(path: str, status: str, response: dict[str, Any]) -> None:
    """An answer that is an object and has no example of its own is a job's, or stands in the table."""
    for content in response.get("content", {}).values():
        schema = content.setdefault("schema", {"type": "string", "format": "binary"})
        if schema.get("type") == "object" and "example" not in schema:
            brief = {"id": JOB_EXAMPLE["id"], "polling_url": f"/v1/get_result?id={JOB_EXAMPLE['id']}"}
            other = brief if "polling_url" in schema.get("properties", {}) else JOB_EXAMPLE
            content["schema"] = {**schema, "example": EXAMPLES.get((path, status), other)}


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema of a request's object that has a prompt."""
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict) and "prompt" in properties:
            yield node
        for inner in node.values():
            yield from objects(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from objects(inner)


def fit_to_model(properties: dict[str, Any], profile: ModelProfile, limits: ApiLimits) -> None:
    """Put the served model's bounds into the fields of a request, as far as it has them."""
    sides = range(profile.min_side, profile.max_side + 1, profile.side_multiple)
    side = f"({'|'.join(map(str, sides))})" if len(sides) <= 64 else "[1-9][0-9]{1,4}"
    one_side = {
        "minimum": profile.min_side,
        "maximum": profile.max_side,
        "multipleOf": profile.side_multiple,
    }
    bounds: dict[str, dict[str, Any]] = {
        "prompt": {"type": "string", "minLength": 1, "maxLength": limits.prompt_limit, "pattern": r"\S"},
        "model": {"type": "string", "enum": [profile.name, *profile.aliases]},
        "size": {"type": "string", "pattern": f"^(auto|{side}x{side})$"},
        "n": {"maximum": min(profile.max_images, limits.max_queue)},
        "quality": {"type": "string", "enum": list(profile.quality)},
        "num_inference_steps": {"maximum": profile.max_steps, "default": profile.default_steps},
        "guidance_scale": {"maximum": profile.max_guidance, "default": profile.default_guidance},
        "seed": {"maximum": 2**53 - 1 - 9},
        "user": {"maxLength": 512},
        "negative_prompt": {"maxLength": limits.prompt_limit},
        "true_cfg_scale": {"maximum": profile.max_guidance},
        "max_sequence_length": {"maximum": profile.text_length},
        "tau1": TAU,
        "tau2": TAU,
        **dict.fromkeys(("width", "height"), one_side),
        "steps": {"maximum": profile.max_steps, "default": profile.default_steps},
        "guidance": {"maximum": profile.max_guidance, "default": profile.default_guidance},
    }
    if "image" not in properties:
        bounds["cache"] = cache_schema(profile)
    for name, bound in bounds.items():
        if name in properties:
            properties[name] = {**properties[name], **bound}


def fit_form(schema: dict[str, Any], profile: ModelProfile) -> None:
    """An upload has an image, under one of two names; ``cache`` is a text in a form."""
    properties = schema["properties"]
    schema["anyOf"] = [{"required": [name]} for name in ("image", "image[]")]
    properties["image[]"] = {**properties["image[]"], "minItems": 1, "maxItems": profile.max_input_images}
    presets = {"enum": ["off", "paper", *profile.presets]}
    as_json = {"pattern": r"^\{", "contentMediaType": "application/json"}
    properties["cache"] = {**properties["cache"], "anyOf": [presets, as_json]}
