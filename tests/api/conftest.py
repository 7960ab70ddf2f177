"""A server with an instant engine for the tests of the API, in each of the two modes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from server.engine.fake import InstantEngine
from tests.live import live_server
from tests.live_cluster import live_cluster

PROMPT = "a large red circle at the left on a blue background"


@pytest.fixture(scope="package", params=[live_server, live_cluster], ids=["embedded", "distributed"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    with request.param(InstantEngine) as client:
        yield client


def generate(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/v1/images/generations", json={"prompt": PROMPT, **body})


def assert_still_serving(client: httpx.Client) -> None:
    assert generate(client).status_code == 200


def error_of(response: httpx.Response) -> dict[str, Any]:
    """The envelope, whole and short."""
    assert len(response.content) <= 1900
    assert response.headers["x-request-id"]
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"].isascii()
    return error
