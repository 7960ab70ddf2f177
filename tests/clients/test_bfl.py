"""A client of BFL's API, as its public description has it: submit, poll the address given, fetch the sample."""

import time
from io import BytesIO
from typing import Any

import httpx
from PIL import Image

from server.engine.fake import InstantEngine
from tests.live import live_server

PATIENCE_S = 60.0


def make(client: httpx.Client, key: str, **body: Any) -> dict[str, Any]:
    """The result of a task, looked at until it is ready."""
    headers = {"accept": "application/json", "x-key": key, "Content-Type": "application/json"}
    task = client.post("/v1/flux-nano", headers=headers, json=body).json()
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        said = client.get(task["polling_url"], headers=headers, params={"id": task["id"]}).json()
        if said["status"] == "Ready":
            result: dict[str, Any] = said["result"]
            return result
        assert said["status"] == "Pending", said
        time.sleep(0.05)
    raise AssertionError("it did not become ready")


def test_a_client_of_bfls_api_gets_its_image_by_an_address_that_needs_no_key() -> None:
    with live_server(InstantEngine) as client:
        result = make(client, "none", prompt="a star", width=96, height=64, seed=42, output_format="png")
        assert (result["prompt"], result["seed"]) == ("a star", 42)
        with Image.open(BytesIO(httpx.get(result["sample"]).content)) as image:
            assert (image.format, image.size) == ("PNG", (96, 64))
