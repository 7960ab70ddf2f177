"""The API's document is complete, and a change of it is seen: docs/openapi.json is what is served.

After a change that is meant: ``python -m tests.api.test_openapi`` writes the file again.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.api.cache_choice import resolve_cache
from server.api.guard import OPEN_PATHS
from server.api.openapi import operations
from server.api.router import create_routes
from server.profile import load_profile
from tests.api.parts import api_parts, new_queue

SNAPSHOT = Path(__file__).parent.parent.parent / "docs" / "openapi.json"


def document() -> dict[str, Any]:
    return create_routes(api_parts(new_queue())).openapi()


def as_text(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def test_the_document_is_the_committed_one() -> None:
    assert as_text(document()) == SNAPSHOT.read_text(), "run: python -m tests.api.test_openapi"


def test_the_document_is_served(client: httpx.Client) -> None:
    assert client.get("/openapi.json").json()["paths"].keys() == document()["paths"].keys()


@pytest.mark.parametrize(("path", "operation"), list(operations(document())), ids=lambda value: str(value)[:40])
def test_an_operation_says_what_it_answers_with(path: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    responses = operation["responses"]
    assert {"500"} <= set(responses)
    assert ("401" in responses) == (path not in OPEN_PATHS) == ("security" in operation)
    for status, response in responses.items():
        assert response["description"]
        for content in response["content"].values():
            if status >= "400":
                assert content["schema"] == {"$ref": "#/components/schemas/Error"}
            elif content["schema"].get("type") == "object":
                assert content["schema"].get("example"), (path, status)
    if "requestBody" in operation:
        assert {"400", "408", "413", "415"} <= set(responses)


def caches(node: Any) -> Iterator[Any]:
    """Every example of a ``cache`` in the document."""
    if isinstance(node, dict):
        if "cache" in node.get("properties", {}):
            yield from node["properties"]["cache"].get("examples", ())
        for inner in node.values():
            yield from caches(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from caches(inner)


def test_every_example_of_a_cache_is_one() -> None:
    found = list(caches(document()))
    assert found
    for cache in found:
        resolve_cache({"cache": cache}, load_profile("flux-nano"))


def test_the_example_of_a_request_makes_an_image(client: httpx.Client) -> None:
    body = document()["paths"]["/v1/images/generations"]["post"]["requestBody"]["content"]["application/json"]
    assert client.post("/v1/images/generations", json=body["schema"]["example"]).status_code == 200


if __name__ == "__main__":
    SNAPSHOT.write_text(as_text(document()))
