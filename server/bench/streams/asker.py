"""One image asked for in three ways: answered at once, as a job with its events, and streamed with previews."""

import time
from dataclasses import dataclass

import httpx

from server.bench.streams.watcher import watch

PARTIALS = 3
BODY = {
    "prompt": "a large red heart at the left on a blue background",
    "num_inference_steps": 20,
    "cache": "balanced",
}
GENERATIONS = "/v1/images/generations"


@dataclass(frozen=True)
class Answered:
    """Seconds from the request to the first event, or to the answer where there are none, and to the end."""

    first_s: float
    whole_s: float


@dataclass
class Asker:
    """Every image has a seed of its own. ``heard`` counts the events of jobs."""

    client: httpx.AsyncClient
    heard: int = 0

    async def at_once(self, seed: int) -> Answered:
        """Without any event."""
        began_s = time.monotonic()
        (await self.client.post(GENERATIONS, json={**BODY, "seed": seed})).raise_for_status()
        whole_s = time.monotonic() - began_s
        return Answered(whole_s, whole_s)

    async def with_events(self, seed: int) -> Answered:
        """A job, whose events a second request reads to their end."""
        began_s = time.monotonic()
        job = (await self.client.post("/v1/jobs", json={**BODY, "seed": seed})).raise_for_status().json()
        address = str(self.client.base_url).rstrip("/")
        at_s = [heard.at_s async for heard in watch(address, f"/v1/jobs/{job['id']}/events")]
        self.heard += len(at_s)
        return Answered(at_s[0] - began_s, at_s[-1] - began_s)

    async def with_partials(self, seed: int) -> Answered:
        """OpenAI's stream, with previews."""
        body = {**BODY, "seed": seed, "stream": True, "partial_images": PARTIALS}
        began_s = time.monotonic()
        at_s = []
        async with self.client.stream("POST", GENERATIONS, json=body) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    at_s.append(time.monotonic())
        return Answered(at_s[0] - began_s, at_s[-1] - began_s)
