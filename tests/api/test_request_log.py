"""One line of JSON a request."""

import asyncio
import json
from typing import Any

from server.access.access import Access
from server.access.rates_memory import MemoryRates
from tests.api.parts import api_parts, client_of, new_queue, next_lease, result_of
from tests.api.world import Keys

PROMPT = "a secret drawing of a heart"


async def logged(log_prompts: bool = False, request_id: str = "id") -> list[dict[str, Any]]:
    """The lines of a generation, a refused generation, and an unknown path."""
    lines: list[str] = []
    queue = new_queue()
    parts = api_parts(queue, log_line=lines.append, log_prompts=log_prompts)
    async with client_of(parts) as client:
        body = {"prompt": PROMPT, "cache": "fast", "num_inference_steps": 4, "seed": 5}
        asking = asyncio.create_task(
            client.post("/v1/images/generations", json=body, headers={"x-request-id": request_id})
        )
        lease = await next_lease(queue)
        for image in (result := result_of(lease)).images:
            await parts.results.put(image.result_key, b"image", 60.0)
        await queue.finish(lease, result)
        assert (await asking).status_code == 200
        await client.post("/v1/images/generations", json={"prompt": PROMPT, "n": 0})
        await client.request("BREW", "/teapot")
    return [json.loads(line) for line in lines]


async def logged_stream(fails: bool) -> dict[str, Any]:
    """The line of a generation whose answer comes in events."""
    lines: list[str] = []
    queue = new_queue()
    parts = api_parts(queue, log_line=lines.append)
    async with client_of(parts) as client:
        body = {"prompt": PROMPT, "stream": True}
        asking = asyncio.create_task(client.post("/v1/images/generations", json=body))
        lease = await next_lease(queue)
        for image in (result := result_of(lease)).images:
            await parts.results.put(image.result_key, b"image", 60.0)
        await (queue.fail(lease, "broken") if fails else queue.finish(lease, result))
        assert (await asking).status_code == 200
    line: dict[str, Any] = json.loads(lines[0])
    return line


def test_a_streamed_generation_s_line_says_how_it_went_too() -> None:
    line = asyncio.run(logged_stream(fails=False))
    assert (line["full"], line["detail_hits"], line["structure_hits"], line["denoise_ms"]) == (2, 1, 1, 44.0)
    assert "error" not in line


def test_a_stream_s_line_says_what_ended_it() -> None:
    line = asyncio.run(logged_stream(fails=True))
    assert (line["code"], line["error"]) == (200, "generation_failed"), "the status was out before"


def test_probes_do_not_fill_the_log() -> None:
    async def probed() -> list[str]:
        lines: list[str] = []
        async with client_of(api_parts(new_queue(), log_line=lines.append)) as client:
            for path in ("/livez", "/readyz", "/startupz", "/metrics", "/v1/models"):
                await client.get(path)
        return [json.loads(line)["route"] for line in lines]

    assert asyncio.run(probed()) == ["/v1/models"]


def test_a_generation_s_line_says_who_what_and_how_it_went() -> None:
    line, _, _ = asyncio.run(logged(request_id="mine-1"))
    assert line == {
        "time": 1000.9,
        "request_id": "mine-1",
        "method": "POST",
        "route": "/v1/images/generations",
        "code": 200,
        "seconds": 0.0,
        "job_id": "0" * 32,
        "model": "flux-nano",
        "size": "128x128",
        "images": 1,
        "steps": 4,
        "seed": 5,
        "preset": "fast",
        "cache_method": "default",
        "tau1": 0.2,
        "tau2": 0.3,
        "full": 2,
        "detail_hits": 1,
        "structure_hits": 1,
        "queue_ms": 1.0,
        "encode_ms": 2.0,
        "denoise_ms": 44.0,
        "decode_ms": 3.0,
    }


def test_a_refused_request_has_a_line_without_a_job() -> None:
    _, refused, unknown = asyncio.run(logged())
    assert (refused["code"], refused["error"], "job_id" in refused) == (400, "invalid_value", False)
    assert (unknown["code"], unknown["route"], unknown["method"]) == (404, "none", "other")


def test_the_line_of_who_has_no_key_says_so() -> None:
    async def refused() -> str:
        lines: list[str] = []
        access = Access(MemoryRates(lambda: 0.0), Keys())
        async with client_of(api_parts(new_queue(), log_line=lines.append, access=access)) as client:
            await client.get("/v1/models")
        return str(json.loads(lines[0])["error"])

    assert asyncio.run(refused()) == "invalid_api_key"


def test_no_line_has_the_prompt_unless_the_settings_say_so() -> None:
    assert "secret" not in json.dumps(asyncio.run(logged()))
    assert asyncio.run(logged(log_prompts=True))[0]["prompt"] == PROMPT
