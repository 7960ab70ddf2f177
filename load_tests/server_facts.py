"""What a server says of itself, where it says anything: models, presets, build."""

from typing import Any

import httpx


async def describe_server(client: httpx.AsyncClient) -> dict[str, Any]:
    """From the endpoints that are usual; each is None where it is not there."""
    metrics = await _get(client, "/metrics")
    lines = [] if metrics is None else metrics.text.splitlines()
    return {
        "url": str(client.base_url),
        "server_header": None if metrics is None else metrics.headers.get("server"),
        "models": await _json(client, "/v1/models"),
        "presets": await _json(client, "/v1/presets"),
        "build": [line for line in lines if "build_info{" in line],
    }


async def _json(client: httpx.AsyncClient, path: str) -> Any:
    response = await _get(client, path)
    try:
        return None if response is None else response.json()
    except ValueError:
        return None


async def _get(client: httpx.AsyncClient, path: str) -> httpx.Response | None:
    try:
        response = await client.get(path, timeout=10)
    except httpx.HTTPError:
        return None
    return response if response.status_code == 200 else None
