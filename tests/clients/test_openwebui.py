"""OpenWebUI's request to an OpenAI engine, in its shape: what it sends, and what it reads of the answer."""

import base64
from collections.abc import Iterator

import httpx
import pytest

from server.engine.fake import InstantEngine
from tests.live import live_server


@pytest.fixture(scope="module")
def server() -> Iterator[httpx.Client]:
    with live_server(InstantEngine, size_policy="fit") as client:
        yield client


@pytest.mark.parametrize("size", ["128x128", "512x512", "1024x1024"])
def test_its_request_is_answered_with_bytes_whatever_size_it_is_set_to(server: httpx.Client, size: str) -> None:
    body = {"model": "flux-nano", "prompt": "a star", "n": 1, "size": size, "response_format": "b64_json"}
    headers = {"Authorization": "Bearer none", "Content-Type": "application/json"}
    answer = server.post("/v1/images/generations", json=body, headers=headers).json()
    for image in answer["data"]:
        assert base64.b64decode(image["b64_json"])[:4] == b"\x89PNG"


def test_its_list_of_models_has_ours(server: httpx.Client) -> None:
    assert "flux-nano" in {model["id"] for model in server.get("/v1/models").json()["data"]}
