"""The API's document: what FastAPI knows of the routes, completed by what is true of all of them.

Every operation says every error that it can answer with, and requests say what the served models take.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import FastAPI

from server.api.error_schema import ERROR, ERROR_REF, ERRORS
from server.api.guard import OPEN_PATHS
from server.api.job_example import EXAMPLES, JOB_EXAMPLE
from server.api.parts import ApiLimits
from server.api.request_bounds import fit_request, names_of
from server.catalogue import Catalogue
from server.profile import ModelProfile

METHODS = ("get", "post", "put", "patch", "delete")
OF_ALL, OF_BODIES = ("500",), ("400", "408", "413", "415")
KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "x-key"},
}


class DocumentedApi(FastAPI):
    """An application whose document is complete. The models known and ``limits`` say what requests may hold."""

    def __init__(self, catalogue: Catalogue, limits: ApiLimits, **given: Any) -> None:
        super().__init__(**given)
        self._catalogue, self._limits = catalogue, limits
        self._told_of: list[ModelProfile] = []

    def openapi(self) -> dict[str, Any]:
        """The document, made again when workers have announced other models."""
        profiles = self._catalogue.profiles
        if self.openapi_schema is None or profiles != self._told_of:
            self.openapi_schema = None
            self.openapi_schema, self._told_of = completed(super().openapi(), profiles, self._limits), profiles
        return self.openapi_schema


def completed(document: dict[str, Any], profiles: Sequence[ModelProfile], limits: ApiLimits) -> dict[str, Any]:
    """FastAPI's document with all errors, keys, and the served models' bounds; the default model is the first."""
    whole = copy.deepcopy(document)
    components = whole.setdefault("components", {})
    components["schemas"] = {"Error": ERROR}  # FastAPI's own are of a validation that it is not asked for
    components["securitySchemes"] = KEYS
    for path, operation in operations(whole):
        complete_operation(path, operation)
        for parameter in operation.get("parameters", ()):
            if (path, parameter["name"]) == ("/v1/models/{name}", "name"):
                parameter["schema"] = {"type": "string", "enum": names_of(profiles)}
        for schema in objects(operation):
            fit_request(schema, models_at(path, profiles), limits)
    return whole


def models_at(path: str, profiles: Sequence[ModelProfile]) -> Sequence[ModelProfile]:
    """The one whose name the path is, or all."""
    own = [each for each in profiles if path.removeprefix("/v1/") in (each.name, *each.aliases)]
    return own[:1] or profiles


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
