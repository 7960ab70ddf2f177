"""The API's document is complete, and a change of it is seen: docs/openapi.json is what is served.

After a change that is meant: ``python -m tests.api.test_openapi`` writes the file again.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.api.answer import shape_cache
from server.api.cache_choice import resolve_cache
from server.api.guard import OPEN_PATHS
from server.api.openapi import operations
from server.api.request_bounds import widest
from server.api.router import create_routes
from server.api.schema import COUNTS
from server.catalogue import Catalogue
from server.profile import load_profile
from server.request import CacheCounts
from tests.api.parts import api_parts, new_queue

GENERATIONS = "/v1/images/generations"
Bounds = dict[str, dict[str, Any]]
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


@pytest.mark.parametrize(
    "cache", ["off", "fast", {"tau1": 0.1}, {"method": "dicache"}, {"gate": {"kind": "interval", "every": 2}}]
)
def test_what_an_answer_says_of_the_cache_is_in_the_document(cache: Any) -> None:
    choice = resolve_cache({"cache": cache}, load_profile("flux-nano"))
    counts = CacheCounts(4, 2, 1, 1, 30, 60, 0.5, nonfinite=True)
    assert set(shape_cache(choice, [counts])) <= set(COUNTS["properties"])


def test_the_example_of_a_request_makes_an_image(client: httpx.Client) -> None:
    body = document()["paths"][GENERATIONS]["post"]["requestBody"]["content"]["application/json"]
    assert client.post(GENERATIONS, json=body["schema"]["example"]).status_code == 200


def fields_at(path: str, *models: str, announced: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the document of a deployment of these models says of a JSON body's fields."""
    catalogue = Catalogue(tuple(load_profile(model) for model in models))
    routes = create_routes(api_parts(new_queue(), catalogue=catalogue))
    routes.openapi()
    catalogue.hear(announced or {})
    body = routes.openapi()["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    fields: dict[str, Any] = body["schema"]["properties"]
    return fields


def test_of_several_models_a_request_may_hold_what_any_of_them_takes() -> None:
    nano, dev = load_profile("flux-nano"), load_profile("flux-dev")
    fields = fields_at(GENERATIONS, nano.name, dev.name)
    assert {nano.name, *nano.aliases, dev.name, *dev.aliases} == set(fields["model"]["enum"])
    assert nano.name in fields["model"]["description"] and "/v1/models" in fields["model"]["description"]
    for size in ("64x64", "192x64", f"{dev.default_width}x{dev.default_height}"):
        assert re.search(fields["size"]["pattern"], size)
    assert not re.search(fields["size"]["pattern"], "large")
    assert fields["max_sequence_length"]["maximum"] == dev.text_length > nano.text_length
    assert fields["num_inference_steps"]["default"] == nano.default_steps
    assert set(fields["cache"]["anyOf"][0]["enum"]) == {"off", "paper", *nano.presets, *dev.presets}


def test_the_widest_bounds_are_those_of_every_model() -> None:
    small: Bounds = {"side": {"minimum": 64, "maximum": 192, "multipleOf": 24, "default": 72}}
    large: Bounds = {"side": {"minimum": 128, "maximum": 2048, "multipleOf": 16, "default": 1024}}
    ab, bc = ({"word": {"enum": words}} for words in (["a", "b"], ["b", "c"]))
    assert widest([small]) == small
    both = {"minimum": 64, "maximum": 2048, "multipleOf": 8, "default": 72}
    assert widest([small, large]) == {"side": both}
    assert widest([ab, bc]) == {"word": {"enum": ["a", "b", "c"]}}


def test_a_path_that_is_a_model_s_name_has_that_model_s_bounds() -> None:
    for name in ("flux-nano", "flux-dev"):
        profile = load_profile(name)
        width = fields_at(f"/v1/{profile.name}", "flux-nano", "flux-dev")["width"]
        assert (width["minimum"], width["maximum"]) == (profile.min_side, profile.max_side)


def test_a_model_is_in_the_document_from_its_announcement_on() -> None:
    dev = load_profile("flux-dev")
    assert dev.name not in fields_at(GENERATIONS, "flux-nano")["model"]["enum"]
    announced = {dev.name: dev.model_dump_json()}
    assert dev.name in fields_at(GENERATIONS, "flux-nano", announced=announced)["model"]["enum"]


if __name__ == "__main__":
    SNAPSHOT.write_text(as_text(document()))


@pytest.mark.parametrize("path", ["/v1/presets", "/v1/models/{name}"])
def test_what_is_asked_of_a_model_may_be_a_404(client: httpx.Client, path: str) -> None:
    assert client.get(path.replace("{name}", "none"), params={"model": "none"}).status_code == 404
    assert "404" in document()["paths"][path]["get"]["responses"]
